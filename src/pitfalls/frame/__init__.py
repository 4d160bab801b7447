"""What an experiment's folder is built on: the record, and a command's session, options and tables."""

import lazy_loader

# the names stand in __init__.pyi: each is imported when it is first asked for
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
