"""The course kit: starter scripts, graders that cannot be fooled, and what a lecturer shows."""

import lazy_loader

# the names stand in __init__.pyi: each is imported when it is first asked for
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
