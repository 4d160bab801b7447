"""The networks: the homework's residual network, a small fast one, and three without convolutions."""

from pitfalls.images.networks.fastnet import FastNet, whitening_filters
from pitfalls.images.networks.inputs import normalize
from pitfalls.images.networks.outputs import input_dtype, logits_of
from pitfalls.images.networks.plain import LinearNet, PatchTransformer, Perceptron
from pitfalls.images.networks.resnet import PreActivationBlock, ResNet18

__all__ = [
    "FastNet",
    "LinearNet",
    "PatchTransformer",
    "Perceptron",
    "PreActivationBlock",
    "ResNet18",
    "input_dtype",
    "logits_of",
    "normalize",
    "whitening_filters",
]
