"""Fetching data sets: a cache, mirrors, checksums, and downloads that go on where they stopped."""

import lazy_loader

# the names stand in __init__.pyi: each is imported when it is first asked for
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
