"""Image data: every form that people have, read into one record, with what was done said on it."""

from pitfalls.images.data.arrays import read_arrays
from pitfalls.images.data.cifar10 import (
    CIFAR10_ARCHIVES,
    CIFAR10_CLASSES,
    CIFAR10_MEAN,
    CIFAR10_STD,
)
from pitfalls.images.data.config import DataConfig
from pitfalls.images.data.dataset import ImageDataset, Part
from pitfalls.images.data.load import SOURCE_VARIABLE, load_dataset
from pitfalls.images.data.mirroring import Mirror, judge_mirror, random_flips
from pitfalls.images.data.pictures import PICTURE_ENDINGS, read_picture
from pitfalls.images.data.reading import Duplicates, Reading
from pitfalls.images.data.thumbnails import SpriteSheet, make_sprite_sheet

__all__ = [
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
    "judge_mirror",
    "load_dataset",
    "make_sprite_sheet",
    "random_flips",
    "read_arrays",
    "read_picture",
]
