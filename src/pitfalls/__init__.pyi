from . import claims as claims
from . import diagnosis as diagnosis
from . import diagram as diagram
from . import images as images
from . import linear as linear
from . import parity as parity
from .diagnosis.entry import diagnose as diagnose

__all__ = ["claims", "diagnose", "diagnosis", "diagram", "images", "linear", "parity"]
