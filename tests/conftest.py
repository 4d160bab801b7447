import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from jaxtyping import install_import_hook

# no test asserts a time: what is slow here may only be waiting for a processor
settings.register_profile("pitfalls", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("pitfalls")

# shapes and types of the linear lab's inner functions are checked at every call under test
install_import_hook("pitfalls.linear", "beartype.beartype")

REPOSITORY = Path(__file__).resolve().parents[1]


def find_cifar10() -> Path | None:
    named = os.environ.get("PITFALLS_DATA")
    for path in (
        Path(named) if named else None,
        REPOSITORY.parent / "shared/data/cifar-10-batches-py",
    ):
        if path is not None and (path / "data_batch_1").exists():
            return path
    return None


@pytest.fixture(scope="session")
def cifar10_path() -> Path:
    path = find_cifar10()
    if path is None:
        pytest.skip("needs CIFAR-10: set PITFALLS_DATA to its cifar-10-batches-py folder")
    return path
