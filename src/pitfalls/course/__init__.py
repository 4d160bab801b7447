"""The course kit: starter scripts, graders that cannot be fooled, and what a lecturer shows."""
