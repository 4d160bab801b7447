"""What every experiment's result can do beside holding its numbers."""

from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from pitfalls.display import Displayed
from pitfalls.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from pitfalls.frame.experiment import Experiment
    from pitfalls.plots import Style

__all__ = ["Result"]


class Result(Displayed):
    """The base of the frozen dataclasses that experiments find: ``@dataclass(frozen=True, repr=False)``."""

    def plot(
        self, ax: "Axes | None" = None, *, figure: str | None = None, style: "Style" = "page"
    ) -> "list[Axes]":
        """Draw a figure of the report and return its axes.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a figure of several axes divides its place (default: a new figure).
        figure : str, optional
            Its name (default: the first that this result has).
        style : {"page", "print", "slides"}

        Raises
        ------
        InputError
            If the result has no such figure; the error lists those that it has.
        """
        from pitfalls.plots import plot

        own = {f.name: f for f in self.experiment().figures() if f.shown_for(self)}
        if not own:
            raise InputError(f"{type(self).__name__}.plot: this result has no figure.")
        name = next(iter(own)) if figure is None else figure
        if name not in own:
            raise InputError(
                f"{type(self).__name__}.plot: expected one of {', '.join(own)}. Got {name!r}."
            )
        return plot(own[name], self, ax, style)

    def experiment(self) -> "Experiment[Any, Any]":
        """Return the experiment whose result this is."""
        # the folder of the records is the experiment's
        package = import_module(type(self).__module__.rpartition(".")[0])
        return cast("Experiment[Any, Any]", package.EXPERIMENT)
