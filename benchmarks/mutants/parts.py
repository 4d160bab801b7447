"""What is changed, and which tests must notice."""

from dataclasses import dataclass
from pathlib import Path

__all__ = ["PARTS", "Part"]


@dataclass(frozen=True)
class Part:
    """Patterns below src/pitfalls, and folders or files of tests."""

    sources: tuple[str, ...]
    tests: tuple[str, ...]

    def files(self, root: Path) -> list[Path]:
        """Return the modules, without those that numba compiles: a change would not reach its cache."""
        found = {path for pattern in self.sources for path in (root / "src/pitfalls").glob(pattern)}
        return sorted(
            path
            for path in found
            if path.name != "__init__.py" and "import njit" not in path.read_text(encoding="utf-8")
        )


PARTS = {
    "linear": Part(("linear/*.py",), ("tests/linear",)),
    "moments": Part(("moments/*.py",), ("tests/moments", "tests/linear/test_modes.py")),
    "parity": Part(
        ("parity/*.py", "parity/signal/*.py", "parity/represent/*.py"),
        (
            "tests/parity/signal",
            "tests/parity/represent",
            *(
                f"tests/parity/test_{name}.py"
                for name in (
                    "loss",
                    "network",
                    "risk_and_accuracy",
                    "scalar_network",
                    "task",
                    "threads",
                    "walsh",
                )
            ),
        ),
    ),
    "images linear": Part(("images/linear/*.py",), ("tests/images/linear",)),
    "schedules": Part(
        ("images/training/schedules.py",), ("tests/images/training/test_schedules.py",)
    ),
    "augmentation": Part(
        ("images/training/augmentation.py",), ("tests/images/training/test_augmentation.py",)
    ),
    "evaluation": Part(
        ("images/training/evaluation.py", "parity/risk_and_accuracy.py"),
        (
            "tests/images/training/test_evaluation.py",
            "tests/parity/test_risk_and_accuracy.py",
            "tests/parity/test_scalar_network.py",
        ),
    ),
    "runs": Part(("runs/*.py",), ("tests/runs",)),
}
