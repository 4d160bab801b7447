"""One folder an experiment: what is asked, what is found, and how it is told; see `catalogue`."""

import lazy_loader

# the names stand in __init__.pyi: each is imported when it is first asked for
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
