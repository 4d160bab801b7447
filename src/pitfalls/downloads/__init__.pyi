from .cifar10 import cache_folder as cache_folder
from .cifar10 import cached_cifar10 as cached_cifar10
from .cifar10 import fetch_cifar10 as fetch_cifar10
from .cifar10 import find_cifar10 as find_cifar10
from .resuming import ResumingDownloader as ResumingDownloader

__all__ = [
    "ResumingDownloader",
    "cache_folder",
    "cached_cifar10",
    "fetch_cifar10",
    "find_cifar10",
]
