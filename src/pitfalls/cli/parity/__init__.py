"""``pitfalls parity``: exact networks, the gradient's signal, training, depth, sweeps."""

from cyclopts import App

from pitfalls.experiments import add_commands

__all__ = ["app"]

app = App(
    name="parity",
    help="Parity: networks that represent it exactly, and how little the gradient says about it.",
)

# each registers its commands with the app above
from pitfalls.cli.parity import prove  # noqa: E402, F401

add_commands(app, "parity")
