from .network_diagram import diagram as diagram
from .network_summary import LayerRow as LayerRow
from .network_summary import LayerTable as LayerTable
from .network_summary import layer_table as layer_table
from .network_summary import summary as summary

__all__ = ["LayerRow", "LayerTable", "diagram", "layer_table", "summary"]
