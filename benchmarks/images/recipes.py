"""The fast network's recipes by the names that benchmarks give them: 90, 94, 94-six."""

from pitfalls.images.training import FAST_RECIPES

__all__ = ["RECIPES"]

RECIPES = {
    f"{target}-six" if views == "six" else f"{target}": recipe
    for (target, views), recipe in FAST_RECIPES.items()
}
