"""Write docs/reliability.md anew from ``benchmarks/results``: no count is typed in.

python -m benchmarks.reliability.page
"""

import json
from pathlib import Path
from typing import Any

from benchmarks.reliability.data_readers import MEMORY, SECONDS
from tests.report.payloads import DRAWINGS, WORDS

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "reliability.md"
TEXT = Path(__file__).with_name("page.md")


RECORDS = (
    *("faults", "faults-again", "faults-images", "power", "power-images"),
    *("fuzz", "fuzz-kept", "fuzz-more", "data-readers", "data-more"),
)


def table(head: tuple[str, ...], rows: list[tuple[object, ...]]) -> str:
    """Return a Markdown table; numbers are set to the right."""
    right = [all(isinstance(row[i], int) for row in rows) for i in range(len(head))]
    lines = [
        "| " + " | ".join(head) + " |",
        "|" + "|".join("---:" if r else "---" for r in right) + "|",
        *(
            "| " + " | ".join(f"{c:,}" if isinstance(c, int) else str(c) for c in row) + " |"
            for row in rows
        ),
    ]
    return "\n".join(lines)


def tried_on(found: dict[str, Any]) -> str:
    """Say on which sources something was tried: commits, or trees of ``src`` as git names them."""
    if "by_commit" in found:
        commits = ", ".join(f"{name} ({n:,})" for name, n in found["by_commit"].items())
        return f"Tried at the commits {commits}."
    trees = ", ".join(f"{name[:12]} ({n:,})" for name, n in found["by_source"].items())
    return f"Tried on the sources (`git rev-parse COMMIT:src`) {trees}."


def faults(found: dict[str, Any]) -> str:
    """Return the table of faults at system calls."""
    rows = [
        (
            kind,
            *(
                of.get(key, 0)
                for key in ("calls", "faults", "killed", "error", "unharmed", "wrong")
            ),
        )
        for kind, of in found["by_kind"].items()
    ]
    rows.append(("all", *(sum(int(row[i]) for row in rows) for i in range(1, 7))))
    modes = ", ".join(f"{name} ({n:,})" for name, n in found["by_mode"].items())
    head = ("work", "calls hit", "faults", "killed", "one-line error", "unharmed", "wrong")
    return f"{table(head, rows)}\n\nThe faults: {modes}. {tried_on(found)}"


def power(found: dict[str, Any]) -> str:
    """Return the table of power cuts."""
    rows: list[tuple[object, ...]] = [(kind, n) for kind, n in found["by_kind"].items()]
    disks = ", ".join(f"{name} ({n:,})" for name, n in found["by_disk"].items())
    total = f"{found['cuts']:,} disks after a power cut, {found['wrong']:,} wrong."
    return f"{table(('work', 'disks'), rows)}\n\n{total} What they had kept: {disks}."


def fuzz(found: dict[str, Any]) -> str:
    """Return the table of changed files."""
    keys = ("tried", "refused", "same content", "changed content")
    rows: list[tuple[object, ...]] = [
        (name, *(of.get(key, 0) for key in keys), of["fault"] or "none")
        for name, of in found["readers"].items()
    ]
    return table(("reader", "tried", "refused", "same content", "another content", "fault"), rows)


def data(found: dict[str, Any]) -> str:
    """Return the table of damaged data sets."""
    keys = ("cases", "read", "refused", "untyped", "ran", "crashed", "too_slow", "too_much_memory")
    rows: list[tuple[object, ...]] = [
        (name, *(of[key] for key in keys), f"{of['most_memory_mib']:.0f} MiB")
        for name, of in found.items()
    ]
    head = (
        *("form", "tried", "read", "refused", "other errors", "ran something", "crashed"),
        *("too slow", "too much memory", "most memory"),
    )
    return table(head, rows)


def page() -> str:
    """Return the page's text."""
    read = {
        name: json.loads((RESULTS / f"reliability-{name}.json").read_text())["results"]
        for name in RECORDS
    }
    return TEXT.read_text(encoding="utf-8").format(
        faults=faults(read["faults"]),
        again=faults(read["faults-again"]),
        images=faults(read["faults-images"]),
        power=power(read["power"]),
        power_images=power(read["power-images"]),
        fuzz=fuzz(read["fuzz"]),
        kept=fuzz(read["fuzz-kept"]),
        more=fuzz(read["fuzz-more"]),
        data=data(read["data-readers"] | read["data-more"]),
        data_memory=f"{MEMORY / 2**20:g} MiB",
        data_seconds=f"{SECONDS:g}",
        drawings=len(DRAWINGS),
        words=len(WORDS),
        memory=f"{read['fuzz']['memory_bytes'] / 2**30:g} GiB",
        seconds=read["fuzz"]["seconds"],
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(PAGE.relative_to(ROOT))
