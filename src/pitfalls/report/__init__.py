"""Reads run folders; writes figures, one HTML page and one PDF."""

from pitfalls.report.document import Handin, Report, build, build_handin
from pitfalls.report.evidence import Evidence, gather
from pitfalls.report.front import FrontMatter

__all__ = ["Evidence", "FrontMatter", "Handin", "Report", "build", "build_handin", "gather"]
