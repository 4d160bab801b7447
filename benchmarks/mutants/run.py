"""Change functions a little, one at a time, and see whether a test fails.

python -m benchmarks.mutants.run --state FOLDER [--count 55] [--again [--tests ...]] [--record] [part ...]

``make mutants MUTANTS=55`` runs all parts. A run that was stopped goes on; ``--again`` tries those that
have survived on the tests that there are now, or on these alone; ``--record`` writes what was found to
``benchmarks/results/mutants.json``. Then: ``python -m benchmarks.mutants.page``.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Collection, Mapping
from pathlib import Path

from benchmarks.mutants.parts import PARTS
from benchmarks.mutants.session import ENOUGH, LONGEST, Session, run
from benchmarks.mutants.sites import Site, sites

ROOT = Path(__file__).parents[2]


def all_sites(part: str) -> list[tuple[Path, Site]]:
    """Return every change of a part's modules."""
    return [
        (path, site)
        for path in PARTS[part].files(ROOT)
        for site in sites(path, path.relative_to(ROOT / "src").with_suffix("").as_posix())
    ]


def drawn(part: str, count: int) -> dict[str, tuple[Path, Site]]:
    """Draw mutants of a part: the first by the hash of their names, which no other line moves."""
    found = sorted(all_sites(part), key=lambda pair: pair[1].order)
    return {site.name: (path, site) for path, site in found[: 2 * count if count else None]}


def try_part(part: str, state: Path, count: int, *, again: bool, tests: list[str]) -> None:
    """Measure what the tests of a part run, then try its mutants; both in processes of their own."""
    measured = state / f"{part.replace(' ', '-')}.json.measured"
    for step in ("measure", "try"):
        if step == "measure" and measured.exists() and not again:
            continue
        command = [sys.executable, "-m", "benchmarks.mutants.run", part, "--state", str(state)]
        command += ["--step", step, "--count", str(count), *(["--again"] if again else [])]
        command += ["--tests", *tests] if tests else []
        subprocess.run(command, cwd=ROOT, check=True)


def _present(
    known: Mapping[str, Mapping[str, object]], names: Collection[str]
) -> dict[str, Mapping[str, object]]:
    """Leave out mutants of code that has changed since."""
    return {name: of for name, of in known.items() if name in names}


def counted(
    known: Mapping[str, Mapping[str, object]], count: int
) -> dict[str, Mapping[str, object]]:
    """Return the first so many that could be tried, with the test that noticed."""
    tried = {
        name: {"end": of["end"], "by": by if "::" in (by := str(of.get("by", ""))) else ""}
        for name, of in known.items()
        if of["end"] != "impossible"
    }
    return dict(list(tried.items())[: count or None])


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", default=[], choices=[*PARTS, []])
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--count", type=int, default=0, help="of each part; 0 for all")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--tests", nargs="+", default=[])
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--step", choices=["measure", "try"])
    asked = parser.parse_args()
    asked.state.mkdir(parents=True, exist_ok=True)
    if asked.step:
        (part,) = asked.parts
        place = asked.state / f"{part.replace(' ', '-')}.json"
        if asked.step == "measure":
            plugin = Session(Path(f"{place}.measured"), None)
        else:
            plugin = Session(place, drawn(part, asked.count))
            plugin.enough, plugin.again = asked.count, asked.again
        raise SystemExit(run(asked.tests or PARTS[part].tests, plugin))
    for part in asked.parts or PARTS:
        try_part(part, asked.state, asked.count, again=asked.again, tests=asked.tests)
    if asked.record:
        from benchmarks.record import record

        results = {
            part: {
                "possible": len(names := {site.name for _, site in all_sites(part)}),
                "tried": counted(_present(json.loads(place.read_text()), names), asked.count),
            }
            for part in PARTS
            if (place := asked.state / f"{part.replace(' ', '-')}.json").exists()
        }
        settings = {"count": asked.count, "longest_s": LONGEST, "enough_s": ENOUGH}
        record("mutants", {"settings": settings, "parts": results})


if __name__ == "__main__":
    main()
