"""What the report says of a network: each sentence with the condition under which it stands."""

from collections.abc import Mapping
from typing import Any

from pitfalls.experiments.image_diagram.records import DiagramResult
from pitfalls.prose import Basis, Block, Markup, Paragraph, Picture, counted, say

__all__ = ["account", "architecture", "basis", "charts", "course_count", "size"]

OF_THE_COURSE = 5_205_962
"""Parameters of the course's own network, for colour images and ten classes."""


def account(result: DiagramResult) -> tuple[Block, ...]:
    """Return what the network is, and its picture."""
    return (
        Paragraph(architecture(result) + size(result) + course_count(result)),
        Picture("diagram"),
    )


def architecture(result: DiagramResult) -> Markup:
    """Describe the homework's network; needs that one."""
    if result.model != "resnet18":
        return ()
    return say(
        "The network is a pre-activation ResNet: a stem, four stages of two blocks, average and maximum "
        "pooling side by side, one linear layer. A block adds to its input what two convolutions make "
        "of it; where the shape changes, a $1 times 1$ convolution carries the input over. "
    )


def size(result: DiagramResult) -> Markup:
    """Count the parameters."""
    return say(
        "{name} has {n}, for inputs of {shape} and {classes}. ",
        name=result.class_name, n=counted(result.n_parameters, "parameter"),
        shape=result.shape, classes=counted(result.n_classes, "class", "classes"),
    )  # fmt: skip


def course_count(result: DiagramResult) -> Markup:
    """Say that the count is that of the course's network; needs the homework's network and count."""
    if result.model != "resnet18" or result.n_parameters != OF_THE_COURSE:
        return ()
    return say("That is the count of the course's own network. ")


def basis(result: DiagramResult) -> Basis:
    """Say that it is a count."""
    return Basis(n="1 network", spread="none, a count")


def charts(result: DiagramResult) -> Mapping[str, Any]:
    """Return no interactive part."""
    return {}
