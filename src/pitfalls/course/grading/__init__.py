"""The graders: properties with counterexamples, asked of work that runs in a confined process.

Self-contained, so that a platform's machine needs this folder, numpy and torch, and no more. Nothing is
imported here: the process that runs the work loads this package, and must hold no answer.
"""
