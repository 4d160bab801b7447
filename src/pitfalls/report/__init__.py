"""Reads run folders; writes figures, one HTML page and one PDF."""

import lazy_loader

# the names stand in __init__.pyi: each is imported when it is first asked for
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
