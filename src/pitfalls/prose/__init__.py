"""Sentences, tables and numbers as every reader gets them: terminal, figure, page and PDF."""

from pitfalls.prose.blocks import Basis, Block, Chart, Code, Paragraph, Part, Picture, Table, table
from pitfalls.prose.charts import series, thin
from pitfalls.prose.numbers import counted, number, percent, power
from pitfalls.prose.spans import Markup, Span, Value, listed, plain, say

__all__ = [
    "Basis",
    "Block",
    "Chart",
    "Code",
    "Markup",
    "Paragraph",
    "Part",
    "Picture",
    "Span",
    "Table",
    "Value",
    "counted",
    "listed",
    "number",
    "percent",
    "plain",
    "power",
    "say",
    "series",
    "table",
    "thin",
]
