from .catalogue import LABS as LABS
from .catalogue import add_commands as add_commands
from .catalogue import all_experiments as all_experiments
from .catalogue import experiment_named as experiment_named
from .homework import homework_configs as homework_configs
from .homework import timed as timed
from .image_export import NetworkFormat as NetworkFormat
from .image_export import export_network as export_network
from .image_source import Pictures as Pictures
from .image_source import called as called
from .image_source import find_images as find_images
from .image_words import banner as banner
from .image_words import interval as interval
from .linear_verdict import held as held

__all__ = [
    "LABS",
    "NetworkFormat",
    "Pictures",
    "add_commands",
    "all_experiments",
    "banner",
    "called",
    "experiment_named",
    "export_network",
    "find_images",
    "held",
    "homework_configs",
    "interval",
    "timed",
]
