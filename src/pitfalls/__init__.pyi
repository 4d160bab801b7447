from . import claims as claims
from . import diagram as diagram
from . import images as images
from . import linear as linear
from . import parity as parity

__all__ = ["claims", "diagram", "images", "linear", "parity"]
