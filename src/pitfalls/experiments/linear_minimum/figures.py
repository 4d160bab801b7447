"""Least risk by rank."""

from matplotlib.axes import Axes

from pitfalls.experiments.linear_minimum.records import MinimumResult
from pitfalls.plots import BLUE, COLUMN, GREY, RED, Drawing, Figure, panels
from pitfalls.prose import counted, number, percent

__all__ = ["FIGURES", "title"]


def minimum_by_rank(result: MinimumResult, ax: Axes | None = None) -> Drawing:
    """Draw the least risk against the rank, ties marked."""
    ranks, risks = [row.rank for row in result.rows], [row.risk for row in result.rows]
    figure, axis = panels(ax, figsize=COLUMN)
    axis.plot(ranks, risks, "o-", color=BLUE)
    axis.axhline(result.floor, color=GREY, linestyle="--", linewidth=1)
    axis.annotate(
        f"least squares leaves {result.left}", (0.02, result.floor), (0, 4),
        xycoords=("axes fraction", "data"), textcoords="offset points", color=GREY,
    )  # fmt: skip
    ties = [row for row in result.rows if not row.unique]
    if ties:
        axis.plot(
            [row.rank for row in ties], [row.risk for row in ties], "o", color=RED, markersize=10,
            fillstyle="none", label="minimiser not unique",
        )  # fmt: skip
        axis.legend()
    axis.set(xlabel="rank, the narrowest width", ylabel="least risk ½‖W̄X' − Y'‖²", ylim=(0, None))
    axis.set_xticks(ranks)
    axis.set_title(title(result))
    text = (
        f"{result.data}, {counted(result.n, 'row')}, d = {result.n_features}, p = "
        f"{result.n_outputs}; risk {number(risks[0], 4)} at rank 0, {number(risks[-1], 4)} at rank "
        f"{ranks[-1]}."
    )
    return Drawing(figure, alt=f"Least risk by rank. {text}", caption=text)


def title(result: MinimumResult) -> str:
    """Say what the first rank takes away, by the modes: risks lose them beside a large floor."""
    if result.rank_yx == 0:
        return "No linear map does better than zero"
    if len(result.rows) < 2:
        return f"Rank 0 alone: risk {number(result.rows[0].risk)}"
    shares = (result.modes / result.modes[0]) ** 2
    return f"Rank 1 alone takes away {percent(1 / float(shares.sum()), 0)} of what can go"


FIGURES = (Figure("minimum-by-rank", minimum_by_rank),)
