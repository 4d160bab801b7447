"""Reads run folders; writes figures, one HTML page and one PDF."""

from pitfalls.report.document import Report, build
from pitfalls.report.evidence import Evidence, gather
from pitfalls.report.front import FrontMatter

__all__ = ["Evidence", "FrontMatter", "Report", "build", "gather"]
