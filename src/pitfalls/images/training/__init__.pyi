from .attribution import PixelAttribution as PixelAttribution
from .attribution import attribute as attribute
from .augmentation import AlternatingFlip as AlternatingFlip
from .augmentation import PerImage as PerImage
from .augmentation import RandomCrop as RandomCrop
from .augmentation import RandomHorizontalFlip as RandomHorizontalFlip
from .augmentation import Transform as Transform
from .calibration import TEMPERATURES as TEMPERATURES
from .calibration import fit_temperature as fit_temperature
from .checks import settle as settle
from .checks import training_warnings as training_warnings
from .config import TrainConfig as TrainConfig
from .distributed import call_to_work as call_to_work
from .distributed import called_to_work as called_to_work
from .distributed import join as join
from .distributed import launched_rank as launched_rank
from .distributed import launched_size as launched_size
from .distributed import leave as leave
from .distributed import send_home as send_home
from .distributed import share_from_first as share_from_first
from .distributed import wait_for_first as wait_for_first
from .distributed import world as world
from .evaluation import Evaluation as Evaluation
from .evaluation import Views as Views
from .evaluation import evaluate as evaluate
from .evaluation import predict_logits as predict_logits
from .fast_recipes import FAST_RECIPES as FAST_RECIPES
from .fast_recipes import FastRecipe as FastRecipe
from .hardware import has_fast_bfloat16 as has_fast_bfloat16
from .loop import train as train
from .optimizers import Muon as Muon
from .optimizers import orthogonalize as orthogonalize
from .range_test import RangeTest as RangeTest
from .range_test import learning_rate_range as learning_rate_range
from .records import EpochRecord as EpochRecord
from .records import StepRecord as StepRecord
from .records import TrainResult as TrainResult
from .records import TrainState as TrainState
from .schedules import SCHEMES as SCHEMES
from .schedules import Schedule as Schedule
from .schedules import annealed_schedule as annealed_schedule
from .schedules import constant_schedule as constant_schedule
from .schedules import cosine_schedule as cosine_schedule
from .schedules import linear_schedule as linear_schedule
from .schedules import never_moves as never_moves
from .schedules import one_cycle_schedule as one_cycle_schedule
from .schedules import schedule as schedule
from .schedules import special_schedule as special_schedule
from .threads import threads_for as threads_for

__all__ = [
    "FAST_RECIPES",
    "SCHEMES",
    "AlternatingFlip",
    "EpochRecord",
    "Evaluation",
    "FastRecipe",
    "Muon",
    "PerImage",
    "PixelAttribution",
    "RandomCrop",
    "RandomHorizontalFlip",
    "RangeTest",
    "Schedule",
    "StepRecord",
    "TrainConfig",
    "TrainResult",
    "TrainState",
    "Transform",
    "Views",
    "annealed_schedule",
    "attribute",
    "call_to_work",
    "called_to_work",
    "constant_schedule",
    "cosine_schedule",
    "evaluate",
    "fit_temperature",
    "has_fast_bfloat16",
    "join",
    "launched_size",
    "learning_rate_range",
    "linear_schedule",
    "never_moves",
    "one_cycle_schedule",
    "orthogonalize",
    "predict_logits",
    "schedule",
    "send_home",
    "settle",
    "share_from_first",
    "special_schedule",
    "threads_for",
    "train",
    "training_warnings",
    "wait_for_first",
    "world",
]
