"""Figures drawn from run folders: one module a lab, one function a figure."""

from pitfalls.report.figures.registry import Drawing, draw_run, draws, figure_names

__all__ = ["Drawing", "draw_run", "draws", "figure_names"]
