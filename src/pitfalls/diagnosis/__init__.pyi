from .adapter import (
    Adapter as Adapter,
)
from .asking import (
    ask_capacity as ask_capacity,
)
from .asking import (
    ask_data as ask_data,
)
from .asking import (
    ask_saddle as ask_saddle,
)
from .asking import (
    ask_schedule as ask_schedule,
)
from .asking import (
    ask_signal as ask_signal,
)
from .asking import (
    ask_units as ask_units,
)
from .asking import (
    ask_wiring as ask_wiring,
)
from .attribution import (
    attribute as attribute,
)
from .cards import (
    Attribution as Attribution,
)
from .cards import (
    Card as Card,
)
from .cards import (
    Cost as Cost,
)
from .cards import (
    Diagnosis as Diagnosis,
)
from .cards import (
    Evidence as Evidence,
)
from .cards import Undecided as Undecided
from .cards import (
    Witness as Witness,
)
from .clock import Stopwatch as Stopwatch
from .curvature import (
    Eigenpair as Eigenpair,
)
from .entry import (
    diagnose as diagnose,
)
from .entry import share_of as share_of
from .examination import checked_model as checked_model
from .examination import examine as examine
from .family import (
    FamilySignal as FamilySignal,
)
from .family import (
    family_signal as family_signal,
)
from .hessian import Hessian as Hessian
from .kernels import (
    Kernel as Kernel,
)
from .kernels import (
    ListedTargets as ListedTargets,
)
from .kernels import (
    Parities as Parities,
)
from .nested import leaves as leaves
from .rules import (
    RULES as RULES,
)
from .rules import (
    Rule as Rule,
)
from .vocabulary import (
    ALL as ALL,
)
from .vocabulary import (
    CAUSES as CAUSES,
)
from .vocabulary import (
    Cause as Cause,
)
from .vocabulary import (
    Question as Question,
)
from .witnesses import AnyWitness as AnyWitness
from .witnesses import CurvatureWitness as CurvatureWitness
