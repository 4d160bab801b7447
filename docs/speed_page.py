"""Makes the speed guide's table and curves from the recorded benchmarks."""

import shutil
import sys
from pathlib import Path
from typing import Any

from pitfalls.plots import Figure, draw

DOCS = Path(__file__).parent
MISSING = (
    "The curves have not been recorded yet: `python -m benchmarks.growth` takes about six minutes on two "
    "quiet cores.\n"
)


def table() -> str:
    """Return ours, peer and limit."""
    _reach_benchmarks()
    from benchmarks.ratios import NOTE, ratio_table

    return f"{ratio_table()}\n\n{NOTE}\n"


def curves(stored: dict[str, Any] | None, folder: Path) -> str:
    """Return the curves with their words; the pictures go to ``folder``, beside the guides.

    Parameters
    ----------
    stored : dict or None
        The record ``growth``.
    folder : Path
    """
    _reach_benchmarks()
    from benchmarks.growth.curves import CURVES
    from benchmarks.growth.figures import growth
    from benchmarks.growth.words import account, read_part
    from benchmarks.sections import machine

    if stored is None:
        return MISSING
    found = stored["results"]
    lines = [
        f"All on {'one thread' if found['threads'] == 1 else str(found['threads']) + ' threads'}, ours and "
        f"its limit in turn ({machine(stored)}, {stored['time'][:10]}).\n"
    ]
    if found["largest"] != "full":
        lines.append(
            "**These are toy sizes: they show that the measurement runs, and nothing else.**\n"
        )
    folder.mkdir(parents=True, exist_ok=True)
    for curve in CURVES:
        lines.append(f"### {curve.axis}: {curve.what}\n")
        if curve.name not in found["parts"]:
            lines.append(f"`{curve.name}` has not been recorded yet.\n")
            continue
        part = read_part(curve.name, found["parts"][curve.name])
        drawn = draw(Figure(curve.name, growth), part, ("svg",))
        (folder / f"{curve.name}.svg").write_bytes(drawn.files["svg"])
        alt = drawn.alt.replace("]", "\\]")
        lines += [
            f"![{alt}](../made/{folder.name}/{curve.name}.svg)\n",
            f"*{drawn.caption}*\n",
            f"{account(part)}\n",
        ]
    return "\n".join(lines)


def _reach_benchmarks() -> None:
    root = str(DOCS.parent)
    if root not in sys.path:
        sys.path.insert(0, root)


def write(app: Any) -> None:
    """Write both where the guide includes them from."""
    _reach_benchmarks()
    from benchmarks.sections import read

    made = Path(app.srcdir) / "made"
    made.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(made / "speed", ignore_errors=True)
    (made / "speed-table.md").write_text(table(), encoding="utf-8")
    (made / "speed-curves.md").write_text(curves(read("growth"), made / "speed"), encoding="utf-8")


def setup(app: Any) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("builder-inited", write, priority=100)
    return {"parallel_read_safe": True}
