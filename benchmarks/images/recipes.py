"""The fast network's recipes by the names that benchmarks give them: 90, 94, 94-six."""

from pitfalls.images.training import FAST_RECIPES

__all__ = ["RECIPES", "options"]

RECIPES = {
    f"{target}-six" if views == "six" else f"{target}": recipe
    for (target, views), recipe in FAST_RECIPES.items()
}


def options(name: str) -> str:
    """Return what a recipe is asked for by on the command line, as guides print it."""
    recipe = RECIPES[name]
    return f"`--target {recipe.target}{' --views six' * (recipe.views == 'six')}`"
