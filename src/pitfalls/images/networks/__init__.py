"""The networks: the homework's residual network, and a small fast one."""

from pitfalls.images.networks.fastnet import FastNet, whitening_filters
from pitfalls.images.networks.inputs import normalize
from pitfalls.images.networks.resnet import PreActivationBlock, ResNet18

__all__ = ["FastNet", "PreActivationBlock", "ResNet18", "normalize", "whitening_filters"]
