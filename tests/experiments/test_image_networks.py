"""Which widths a network may be asked for, and that none of them is passed over."""

import pytest

from pitfalls.errors import InputError
from pitfalls.experiments.image_architectures import ArchitecturesConfig
from pitfalls.experiments.image_compare import CompareConfig
from pitfalls.experiments.image_networks import NetworkConfig
from pitfalls.experiments.image_range import RangeConfig
from pitfalls.experiments.image_source import ImageSource, find_images
from pitfalls.experiments.image_train import TrainRunConfig
from pitfalls.images import DataConfig

NARROW = NetworkConfig(widths=(8, 8, 8))


@pytest.fixture(scope="module")
def source() -> ImageSource:
    return find_images(DataConfig("digits", subset_train=20, subset_val=10))


@pytest.mark.parametrize("widths", [(0, 8, 8), (8, 8), (8, 8, 10_001)])
def test_widths_are_three_numbers_within_reason(widths: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="three whole numbers from 1 to 10,000"):
        NetworkConfig("fastnet", widths)  # type: ignore[arg-type]


@pytest.mark.parametrize("config", [TrainRunConfig, CompareConfig, RangeConfig])
def test_widths_of_a_network_that_has_none_are_refused(config: type, source: ImageSource) -> None:
    with pytest.raises(InputError, match=r"widths are fastnet's\. Got \(8, 8, 8\) for resnet18"):
        config(source, NARROW)
    config(source, NetworkConfig("fastnet", NARROW.widths))


def test_widths_are_those_of_the_fast_network_among_others(source: ImageSource) -> None:
    found = ArchitecturesConfig(source, ("fastnet", "mlp"), NARROW).configs
    assert [network.model for network in found] == ["fastnet", "mlp"]
    assert found[0].widths == NARROW.widths
    with pytest.raises(InputError, match="for linear, mlp"):
        ArchitecturesConfig(source, ("linear", "mlp"), NARROW)
