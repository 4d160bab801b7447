from . import claims as claims
from . import images as images
from . import linear as linear
from . import parity as parity

__all__ = ["claims", "images", "linear", "parity"]
