"""Fetching data sets: a cache, mirrors, checksums, and downloads that go on where they stopped."""

from pitfalls.downloads.cifar10 import cache_folder, cached_cifar10, fetch_cifar10, find_cifar10
from pitfalls.downloads.resuming import ResumingDownloader

__all__ = [
    "ResumingDownloader",
    "cache_folder",
    "cached_cifar10",
    "fetch_cifar10",
    "find_cifar10",
]
