from .capacity import CapacityEvidence as CapacityEvidence
from .data import DataEvidence as DataEvidence
from .saddle import SaddleEvidence as SaddleEvidence
from .schedule import ScheduleEvidence as ScheduleEvidence
from .signal import PermutationTest as PermutationTest
from .signal import SignalEvidence as SignalEvidence
from .units import UnitsEvidence as UnitsEvidence
from .wiring import WiringEvidence as WiringEvidence

__all__ = [
    "CapacityEvidence",
    "DataEvidence",
    "PermutationTest",
    "SaddleEvidence",
    "ScheduleEvidence",
    "SignalEvidence",
    "UnitsEvidence",
    "WiringEvidence",
]
