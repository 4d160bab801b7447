"""Ours, a peer and the limit, from what ``benchmarks/results`` holds: one table for README and docs.

Each row is medians taken in turn in one run, in processor seconds where those were recorded, as
multiples of ours: a peer above 1 takes longer, a limit below 1 is what is left to gain.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.growth.words import read_part, seconds
from benchmarks.images.recipes import options
from benchmarks.sections import read, table

from pitfalls.prose import counted, number

__all__ = ["NOTE", "Ratio", "processor", "ratio_table", "ratios"]

NOTE = (
    "As multiples of ours, from medians of n turns in one run, in processor seconds unless the row says "
    "otherwise: a peer above 1 takes longer, and from a limit below 1 to 1 is what could be gained."
)

Stored = dict[str, Any]


@dataclass(frozen=True)
class Ratio:
    """One row.

    Attributes
    ----------
    what : str
    ours : float
        Median seconds.
    n : int
        Turns behind each of the row's medians.
    peers : mapping of str to float
        What each takes, in seconds of the same run.
    limit : tuple of str and float, optional
        The limit, in seconds of the same run.
    growth : tuple of str and int, optional
        Where no limit stands beside the peer: the curve and the size at which one was measured.
    short : bool
        Whether the README shows it.
    """

    what: str
    ours: float
    n: int | str
    peers: Mapping[str, float]
    limit: tuple[str, float] | None = None
    growth: tuple[str, int] | None = None
    short: bool = True


def walsh(r: Stored) -> Iterator[Ratio]:
    for bits in (20, 24):
        row = r.get(f"2^{bits}")
        if row is None:
            continue
        times = {name: 1e-6 * found["median_cpu_us"] for name, found in row.items()}
        names = {"torch_butterfly": "a torch butterfly", "hadamard_transform": "hadamard_transform"}
        yield Ratio(
            f"Walsh-Hadamard transform of 2^{bits} numbers",
            times["ours"],
            row["ours"]["n"],
            {words: times[name] for name, words in names.items() if name in times},
            ("two passes over memory", times["two_passes"]),
            short=bits == 24,
        )


def signal(r: Stored) -> Iterator[Ratio]:
    found = r["d30_k300"]
    ours = found["gradient_signal"]
    yield Ratio(
        "exact gradient signal over all 2^30 inputs and targets, k = 300, at initialisation",
        ours["median_cpu_s"],
        ours["n"],
        {"a plain compiled pass": found["cpu_ratio"] * ours["median_cpu_s"]},
        growth=("signal", 30),
    )


def training(r: Stored) -> Iterator[Ratio]:
    for case in r["cases"]:
        rates = case["iterations_per_cpu_second"]
        yield Ratio(
            f"a training step of a parity network, d = {case['d']}",
            1 / rates["train"],
            case["times"]["train"]["n"],
            {"the homework's loop": 1 / rates["starter_1_thread"]},
            growth=("training", 10 * case["d"]) if case["d"] == 10 else None,
            short=case["d"] > 5,
        )


def moments(r: Stored) -> Iterator[Ratio]:
    for dtype in ("float64", "float32", "uint8"):
        times = {name: found["median_cpu_s"] for name, found in r[dtype]["times"].items()}
        ours = times["pass"]
        over = r.get("limits", {}).get("pass_over_dsyrk")
        yield Ratio(
            f"second moments of {r['n']:,} × {r['d']:,} values, {dtype} in, float64 sums",
            ours,
            r[dtype]["times"]["pass"]["n"],
            {"NumPy's plain product": times["numpy"], "torch's": times["torch"]},
            ("BLAS' symmetric product", ours / over) if over and dtype == "float32" else None,
            short=dtype == "float32",
        )


def gradients(r: Stored) -> Iterator[Ratio]:
    times = r["times"]
    yield Ratio(
        f"all layer gradients at n = {r['n']:,}, widths {'-'.join(map(str, r['widths']))}, after one pass",
        times["moments"]["median_cpu_s"],
        times["moments"]["n"],
        {"autograd on the data": times["autograd"]["median_cpu_s"]},
        growth=("gradients", r["n"]),
    )


def linear_methods(r: Stored) -> Iterator[Ratio]:
    ours, theirs = r["timed"].values()
    yield Ratio(
        f"PCA, CCA and least squares on all {r['shape'][0]:,} CIFAR-10 images together",
        ours["median_cpu_s"],
        ours["n"],
        {"scikit-learn's LinearRegression alone": theirs["median_cpu_s"]},
        growth=("images", r["shape"][0]),
    )


def principal_components(r: Stored) -> Iterator[Ratio]:
    times = {name: found["median_cpu_s"] for name, found in r["timed"].items()}
    ours = r["timed"]["ours, pass included"]
    yield Ratio(
        f"PCA of {r['shape'][0]:,} CIFAR-10 images, pass included",
        ours["median_cpu_s"],
        ours["n"],
        {name: t for name, t in times.items() if name.startswith("scikit-learn")},
        short=False,
    )


def canonical_correlation(r: Stored) -> Iterator[Ratio]:
    ours, theirs = r["timed"]["ours"], r["timed"]["scikit-learn"]
    yield Ratio(
        f"CCA of {r['shape'][0]:,} CIFAR-10 images",
        ours["median_cpu_s"],
        ours["n"],
        {"scikit-learn": theirs["median_cpu_s"]},
    )


def resnet_step(r: Stored) -> Iterator[Ratio]:
    for name, precision in (("ours", "float32"), ("ours, bfloat16", "bfloat16")):
        yield Ratio(
            f"a training step of ResNet18 on {r['batch']} images, {precision}",
            r[name]["median_cpu_s"],
            r["n"],
            {"the homework's loop": r["plain"]["median_cpu_s"]},
        )


def whole_trainings(r: Stored) -> Iterator[Ratio]:
    def seconds_of(name: str) -> float:
        return float(median(row["cpu_seconds"] for row in r["rows"] if row["recipe"] == name))

    def reached(name: str) -> str:
        mean = r["means"][name]
        return f"{100 * mean['plain']:.1f} % plain, {100 * mean['six']:.1f} % over six views"

    for name in r["means"]:
        if name != "record":
            yield Ratio(
                f"a training of CIFAR-10 by {options(name.removeprefix('ours-'))}: {reached(name)}",
                seconds_of(name),
                counted(r["n"], "seed"),
                {f"the field's record recipe, restated: {reached('record')}": seconds_of("record")},
                short=name.endswith("six"),
            )


def diagnosis(r: Stored) -> Iterator[Ratio]:
    for name in ("torchtest2", "deepchecks"):
        theirs = {row["setup"]: row["seconds"] for row in r["rows"].get(name, ())}
        ours = [row["seconds"] for row in r["rows"]["pitfalls"] if row["setup"] in theirs]
        if ours:
            yield Ratio(
                f"a whole diagnosis, seven questions, on the set-ups that {name} takes",
                median(ours),
                f"{len(ours)} set-ups, wall",
                {f"{name}, which asks less": median(theirs.values())},
                short=False,
            )


SOURCES: dict[str, Callable[[Stored], Iterator[Ratio]]] = {
    "parity_signal": signal,
    "parity_walsh": walsh,
    "parity_training": training,
    "linear-gradients": gradients,
    "linear-moments": moments,
    "images-linear-three": linear_methods,
    "images-linear-pca": principal_components,
    "images-linear-cca": canonical_correlation,
    "images-training-step": resnet_step,
    "images-record-recipe-cpu": whole_trainings,
    "diagnosis_peers": diagnosis,
}


def ratios() -> Iterator[tuple[str, Stored, Ratio]]:
    """Yield a recorded result's name, the result, and each of its rows."""
    for name, rows_of in SOURCES.items():
        stored = read(name)
        if stored is not None:
            for row in rows_of(stored["results"]):
                yield name, stored, row


def limit_of(row: Ratio, growth: Stored | None) -> str:
    """Write a row's limit: of its own run, or of the curve that goes through its size."""
    if row.limit is not None:
        words, taken = row.limit
        return f"{number(taken / row.ours, 2)} ({words})"
    name, size = row.growth or ("", 0)
    if growth is None or name not in growth["results"]["parts"]:
        return "—"
    part = read_part(name, growth["results"]["parts"][name])
    for measured in part.rows:
        if measured.size == size:
            return f"{number(1 / measured.times, 2)} ({part.limit}; n = {measured.n}, another run)"
    return "—"


def processor(stored: Stored) -> str:
    """Name cores and processor of a recorded result."""
    machine = stored["machine"]
    name = machine["processor"].replace("(R)", "").removesuffix(" Processor")
    return f"{machine['cores']} × {name}"


def ratio_table(*, short: bool = False) -> str:
    """Return the table as Markdown; under it what is not recorded."""
    growth = read("growth")
    rows = [
        (
            row.what,
            f"1 ({seconds(row.ours)})",
            ", ".join(f"{number(t / row.ours, 2)} ({name})" for name, t in row.peers.items()),
            limit_of(row, growth),
            row.n,
            processor(stored),
            f"`{name}.json`",
        )
        for name, stored, row in ratios()
        if row.short or not short
    ]
    missing = [f"`{name}`" for name in (*SOURCES, "growth") if read(name) is None]
    under = f"\n\nNot recorded: {', '.join(missing)}." if missing else ""
    if not rows:
        return under.strip()
    return table(("what", "ours", "peer", "limit", "n", "processor", "recorded in"), rows) + under
