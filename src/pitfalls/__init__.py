"""What can a network represent, and what can gradient descent find? Measure both."""

import lazy_loader

from pitfalls.caches import find_caches

find_caches()  # before numba is imported anywhere

# the names stand in __init__.pyi: each is imported when it is first asked for
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
