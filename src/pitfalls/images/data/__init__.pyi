from .arrays import read_arrays as read_arrays
from .cifar10 import CIFAR10_ARCHIVES as CIFAR10_ARCHIVES
from .cifar10 import CIFAR10_CLASSES as CIFAR10_CLASSES
from .cifar10 import CIFAR10_MEAN as CIFAR10_MEAN
from .cifar10 import CIFAR10_STD as CIFAR10_STD
from .config import SOURCE_VARIABLE as SOURCE_VARIABLE
from .config import DataConfig as DataConfig
from .config import check_value_range as check_value_range
from .dataset import ImageDataset as ImageDataset
from .dataset import Part as Part
from .duplicates import count_duplicates as count_duplicates
from .files import PICTURE_ENDINGS as PICTURE_ENDINGS
from .files import list_files as list_files
from .load import load_dataset as load_dataset
from .mirroring import Mirror as Mirror
from .mirroring import judge_mirror as judge_mirror
from .mirroring import random_flips as random_flips
from .pictures import read_picture as read_picture
from .reading import Duplicates as Duplicates
from .reading import Reading as Reading
from .thumbnails import SpriteSheet as SpriteSheet
from .thumbnails import make_sprite_sheet as make_sprite_sheet
from .values import BYTES as BYTES
from .values import ValueScale as ValueScale

__all__ = [
    "BYTES",
    "CIFAR10_ARCHIVES",
    "CIFAR10_CLASSES",
    "CIFAR10_MEAN",
    "CIFAR10_STD",
    "PICTURE_ENDINGS",
    "SOURCE_VARIABLE",
    "DataConfig",
    "Duplicates",
    "ImageDataset",
    "Mirror",
    "Part",
    "Reading",
    "SpriteSheet",
    "ValueScale",
    "check_value_range",
    "judge_mirror",
    "list_files",
    "load_dataset",
    "make_sprite_sheet",
    "random_flips",
    "read_arrays",
    "read_picture",
]
