"""``pitfalls images``: data and linear methods, networks and their training."""

from cyclopts import App

from pitfalls.cli.images import download
from pitfalls.experiments import add_commands

__all__ = ["app"]

app = App(
    name="images",
    help="CIFAR-10 or your own pictures: linear methods, networks, learning-rate schemes.",
)
for name in download.__all__:
    app.command(getattr(download, name))
add_commands(app, "images")
app.command("pitfalls.experiments.image_diagram.command:summary", name="summary")
app.command("pitfalls.experiments.image_evaluate.predicting:predict", name="predict")
