from .network_diagram import diagram as diagram
from .network_summary import summary as summary

__all__ = ["diagram", "summary"]
