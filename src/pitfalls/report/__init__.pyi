from .diagnosis import build_diagnosis as build_diagnosis
from .document import Handin as Handin
from .document import Report as Report
from .document import build as build
from .document import build_handin as build_handin
from .evidence import ReportEvidence as ReportEvidence
from .evidence import gather as gather
from .front import FrontMatter as FrontMatter

__all__ = [
    "FrontMatter",
    "Handin",
    "Report",
    "ReportEvidence",
    "build",
    "build_diagnosis",
    "build_handin",
    "gather",
]
