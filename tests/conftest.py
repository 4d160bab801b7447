import gc
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

# Two workers with two threads each on two cores take twice to four times the processor time. Before the
# first import that starts threads; processes that tests start inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from hypothesis import HealthCheck, settings
from jaxtyping import install_import_hook

import tests.shapes  # noqa: F401 - the hook looks it up by name

# no test asserts a time: what is slow here may only be waiting for a processor
settings.register_profile("pitfalls", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("pitfalls")

REPOSITORY = Path(__file__).resolve().parents[1]


def checked_modules() -> list[str]:
    """Name the modules of parity and moments whose shapes are checked at every call under test.

    Compiled functions are left out: numba compiles no function that is wrapped in a check. So is
    `SecondMoments`, which refuses other shapes itself, in words that tests ask for.
    """
    source = REPOSITORY / "src"
    modules = (
        path for lab in ("parity", "moments") for path in (source / "pitfalls" / lab).rglob("*.py")
    )
    return [
        ".".join(path.relative_to(source).with_suffix("").parts)
        for path in sorted(modules)
        if path.name not in ("__init__.py", "second_moments.py")
        and "import njit" not in path.read_text()
    ]


# shapes and types of the linear lab's functions, and the shapes that those of parity and moments promise
install_import_hook("pitfalls.linear", "beartype.beartype")
install_import_hook(checked_modules(), "tests.shapes.check_shapes")


# a shell that starts the tests in the background makes them, and all that they start, deaf to Ctrl-C
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# and nohup makes them deaf to a terminal that closes: so they stay, while what they start hears it again
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda *_: None)


def pytest_collection_finish() -> None:
    """Spare what was collected every later search for garbage: thousands of tests, none of it garbage."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def settings_of_its_own() -> Iterator[None]:
    """Let no test run under the settings that a command line of another one has left in the process."""
    yield
    session = sys.modules.get("pitfalls.frame.session")
    if session is not None:
        session.start(session.Settings(), ())


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
