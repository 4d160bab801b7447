"""Seven questions to anyone's network that does not learn, each answered by a measurement with a witness."""

import lazy_loader

# the names stand in __init__.pyi: each is imported when it is first asked for
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
