"""Write the README's measured table anew from ``benchmarks/results``: no figure is typed in.

python benchmarks/readme_table.py
"""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
README = ROOT / "README.md"
Row = tuple[str, str, str]


def verdicts(r: dict[str, Any]) -> Row:
    wrong = len(r["wrong"])
    return (
        "verdicts on critical points against the dense Hessian's spectrum",
        f"{wrong} wrong, {r['undecided']} undecided",
        f"{r['n']:,} points, {len(r['architectures'])} architectures",
    )


def gradients(r: dict[str, Any]) -> Row:
    return (
        f"all layer gradients at n = {r['n']:,}, widths {'-'.join(map(str, r['widths']))}, after one pass, "
        "against autograd on the data",
        f"{r['speed_up_in_processor_time']:.0f}× less processor time",
        f"median of {r['times']['moments']['n']}",
    )


def signal(r: dict[str, Any]) -> Row:
    ours = r["d30_k300"]["gradient_signal"]
    return (
        "exact gradient signal over all 2^30 inputs and targets, k = 300, at initialisation",
        f"{ours['median_s']:.1f} s",
        f"median of {ours['n']}",
    )


def training(r: dict[str, Any]) -> Row:
    ratios = [f"{case['train_over_starter']:.0f}× (d = {case['d']})" for case in r["cases"]]
    return (
        "parity training, iterations a second against the homework's loop",
        ", ".join(ratios),
        f"medians of {r['cases'][0]['times']['train']['n']}",
    )


def linear_methods(r: dict[str, Any]) -> Row:
    ours = r["timed"]["pca + cca + least squares, one pass"]
    return (
        "PCA, CCA and least squares on all 50,000 CIFAR-10 images together, against scikit-learn's "
        "LinearRegression alone",
        f"{r['ratio_wall']:.1f}× faster ({ours['median_cpu_s']:.0f} s of processor time)",
        f"median of {ours['n']}",
    )


TABLE: dict[str, Callable[[dict[str, Any]], Row]] = {
    "linear-verdicts": verdicts,
    "linear-gradients": gradients,
    "parity_signal": signal,
    "parity_training": training,
    "images-linear-three": linear_methods,
}


def render() -> str:
    """Return the table; a result that is not recorded has no row."""
    lines = ["| what | result | n | recorded in |", "|---|---|---|---|"]
    machines = set()
    for name, describe in TABLE.items():
        path = RESULTS / f"{name}.json"
        if not path.exists():
            continue
        stored = json.loads(path.read_text(encoding="utf-8"))
        machine = stored["machine"]
        machines.add(f"{machine['cores']} cores of an {machine['processor']}")
        lines.append(f"| {' | '.join(describe(stored['results']))} | `{path.name}` |")
    where = " and ".join(sorted(machines))
    note = (
        f"On {where}, a shared and noisy machine: ratios, taken alternating in one run, say more than "
        "seconds. Raw times, versions and commits are in `benchmarks/results/`."
    )
    return "\n".join([*lines, "", note])


def insert(text: str) -> str:
    """Return the README with the table between its marks."""
    marks = "<!-- measured -->"
    return re.sub(
        rf"{marks}.*?{marks}", lambda _: f"{marks}\n{render()}\n{marks}", text, flags=re.DOTALL
    )


if __name__ == "__main__":
    README.write_text(insert(README.read_text(encoding="utf-8")), encoding="utf-8")
