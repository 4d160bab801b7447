"""Write the README's measured tables anew from ``benchmarks/results``: no figure is typed in.

python -m benchmarks.readme_table
"""

import re
from collections.abc import Callable
from typing import Any

from benchmarks.ratios import NOTE, processor, ratio_table
from benchmarks.sections import ROOT, read, table

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
    "images-fast-90": fast,
    "images-fast-94": fast,
}


def render() -> str:
    """Return the tables; a result that is not recorded has no row."""
    rows = []
    for name, describe in TABLE.items():
        stored = read(name)
        if stored is not None:
            rows.append((*describe(stored["results"]), processor(stored), f"`{name}.json`"))
    note = (
        f"{NOTE} Cores of shared and noisy machines. bfloat16 is fast only where the processor has units for "
        "it (AMX, AVX-512 BF16). Raw times, versions and commits are in `benchmarks/results/`; the whole "
        "table, and the curves behind it, in [docs/guides/speed.md](docs/guides/speed.md) once the pages are "
        "built."
    )
    heads = ("what", "result", "n", "processor", "recorded in")
    return "\n\n".join((ratio_table(short=True), note, table(heads, rows)))


def insert(text: str) -> str:
    """Return the README with the table between its marks."""
    marks = "<!-- measured -->"
    return re.sub(
        rf"{marks}.*?{marks}", lambda _: f"{marks}\n{render()}\n{marks}", text, flags=re.DOTALL
    )


if __name__ == "__main__":
    README.write_text(insert(README.read_text(encoding="utf-8")), encoding="utf-8")
