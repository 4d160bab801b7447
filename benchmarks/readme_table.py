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
    well = r["well_scaled"]
    return (
        "verdicts on whole-numbered critical points and what treatments make of them, against the "
        "Hessian's spectrum",
        f"{r['wrong']} wrong; {100 * well['undecided_share']:.1f} % undecided of those well scaled, "
        f"{100 * r['undecided_share']:.1f} % of all",
        f"{r['n']:,} points, {len(r['by_variant'])} variants",
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


def canonical_correlation(r: dict[str, Any]) -> Row:
    theirs = r["timed"]["scikit-learn"]
    return (
        f"CCA of {r['shape'][0]:,} CIFAR-10 images against scikit-learn's",
        f"{r['ratio_wall']:.0f}× faster",
        f"medians of {theirs['n']}",
    )


def resnet_step(r: dict[str, Any]) -> Row:
    return (
        f"a training step of ResNet18 on {r['batch']} images against the homework's loop",
        f"{r['ours']['speedup_median_s']:.2f}× faster in float32, "
        f"{r['ours, bfloat16']['speedup_median_s']:.2f}× in bfloat16",
        f"medians of {r['n']}",
    )


def fast(r: dict[str, Any]) -> Row:
    row = r["rows"][0]
    # what the run was warned of belongs to its number
    copy = " (a copy with other checksums than the official one's)" * bool(
        r["config"]["source"]["warnings"]
    )
    return (
        f"`pitfalls images fast --target {r['target']}`: CIFAR-10's test images{copy} after "
        f"{row['epochs']} epochs in {row['precision']}",
        f"{100 * r['mean_accuracy']:.1f} % plain, {100 * r['mean_six_views']:.1f} % over six views, "
        f"in {r['mean_seconds']:.0f} s of training",
        "1 seed" if r["n"] == 1 else f"mean of {r['n']} seeds",
    )


TABLE: dict[str, Callable[[dict[str, Any]], Row]] = {
    "linear-verdicts": verdicts,
    "linear-gradients": gradients,
    "parity_signal": signal,
    "parity_training": training,
    "images-linear-three": linear_methods,
    "images-linear-cca": canonical_correlation,
    "images-training-step": resnet_step,
    "images-fast-90": fast,
    "images-fast-94": fast,
}


def render() -> str:
    """Return the table; a result that is not recorded has no row."""
    lines = ["| what | result | n | processor | recorded in |", "|---|---|---|---|---|"]
    for name, describe in TABLE.items():
        path = RESULTS / f"{name}.json"
        if not path.exists():
            continue
        stored = json.loads(path.read_text(encoding="utf-8"))
        machine = stored["machine"]
        processor = machine["processor"].replace("(R)", "").removesuffix(" Processor")
        cells = (
            *describe(stored["results"]),
            f"{machine['cores']} × {processor}",
            f"`{path.name}`",
        )
        lines.append(f"| {' | '.join(cells)} |")
    note = (
        "Cores of shared and noisy machines: ratios, taken alternating in one run, say more than seconds. "
        "bfloat16 is fast only where the processor has units for it (AMX, AVX-512 BF16). Raw times, "
        "versions and commits are in `benchmarks/results/`."
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
