"""``pitfalls linear``: deep linear networks."""

from cyclopts import App

from pitfalls.experiments import add_commands

__all__ = ["app"]

app = App(
    name="linear",
    help="Deep linear networks: capacity, minima, and a verdict on every critical point.",
    help_format="markdown",
)
add_commands(app, "linear")
