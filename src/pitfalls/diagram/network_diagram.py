"""Draw a network as SVG from one traced forward pass, with C×H×W on the edges."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import groupby

from torch import nn

from pitfalls.diagram.boxes import MAX_ROWS, Box, Column, arrange, make_boxes
from pitfalls.diagram.example_run import Inputs, plain_module
from pitfalls.diagram.trace import trace

__all__ = ["diagram"]

# Pixels
FONT, SMALL_FONT = 12, 10.5
LINE = 15  # from one line of text to the next
PITCH_GAP = 23  # between one row of boxes and the next
GUTTER = 34  # between columns
LANE_GAP = 12
NARROW = 20  # a lane in which only arrows pass
PADDING = 10
BAR = 24  # beside a column, for the name of the stage
HEAD = 24  # for the title
RADIUS = 10  # of the circle of a sum

INK = "#1d2127"  # on the boxes' own pale grounds
MIDDLE = "#727c89"  # lines and text that must show on a light page and on a dark one
FILLS = {
    "conv": ("#cfe3f3", "#0072b2"),
    "linear": ("#f6dcc8", "#d55e00"),
    "norm": ("#e8ebee", "#727c89"),
    "activation": ("#e8ebee", "#727c89"),
    "reshape": ("#e8ebee", "#727c89"),
    "pool": ("#cdebe0", "#009e73"),
    "sum": ("#fbf3c4", "#b8860b"),
    "concat": ("#fbf3c4", "#b8860b"),
    "input": ("#ffffff", "#727c89"),
    "other": ("#f0dfe9", "#a8568a"),
}


def diagram(
    model: nn.Module,
    input_shape: Sequence[int] = (3, 32, 32),
    *,
    inputs: Inputs | None = None,
    title: str | None = None,
    max_rows: int = MAX_ROWS,
) -> str:
    """Draw ``model`` as it runs on one image.

    Every convolution, normalisation, pooling, sum and shortcut that took part is a box or an
    arrow; what a module calls one after the other is put together; arrows carry the shape
    C×H×W of what flows along them. The network may be any `torch.nn.Module`: it is run, not
    parsed.

    Parameters
    ----------
    model : nn.Module
        Takes a batch of images.
    input_shape : sequence of int, default=(3, 32, 32)
        (C, H, W) of one image, or the shape of whatever one example is.
    inputs : Tensor, sequence or mapping, optional
        What to call the network with instead: a batch of tokens, several arguments, or arguments by
        name; the shapes on the arrows then have all their axes.
    title : str, optional
        Heads the picture; the class of the model and its number of parameters by default.
    max_rows : int, default=14
        Rows of boxes in a column before the next column begins.

    Returns
    -------
    str
        An SVG document. Text is text, colours hold on light and on dark grounds, and there is no
        style sheet, script or reference in it.

    Raises
    ------
    InputError
        If the network does not run on such images, or its result does not come from them.

    Examples
    --------
    >>> from torch import nn
    >>> svg = diagram(nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU()), (3, 16, 16))
    >>> "conv 3×3, 8" in svg, "8×16×16" in svg
    (True, True)
    """
    model = plain_module(model, input_shape, inputs)
    boxes = make_boxes(trace(model, input_shape, inputs=inputs))
    n_parameters = sum(parameter.numel() for parameter in model.parameters())
    title = title or f"{type(model).__name__}: {n_parameters:,} parameters"
    picture = _Picture(boxes, arrange(boxes, max_rows))
    picture.draw()
    return picture.document(title, _description(boxes, n_parameters))


def shape_text(shape: Sequence[int]) -> str:
    """Write a shape as C×H×W."""
    return "×".join(str(n) for n in shape) or "1"


def _description(boxes: list[Box], n_parameters: int) -> str:
    """Say in words what the picture shows."""
    nouns = {"conv": "convolution", "pool": "pooling", "sum": "sum", "linear": "linear layer"}
    *parts, last = (
        _counted(sum(box.kind == kind for box in boxes), noun) for kind, noun in nouns.items()
    )
    shapes = " and ".join(shape_text(box.shape) for box in boxes if box.kind == "input")
    return (
        f"Flow of one image of shape {shapes} through {', '.join(parts)} and {last} "
        f"to an output of shape {shape_text(boxes[-1].shape)}; {_counted(n_parameters, 'parameter')}."
    )


def _counted(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def _text_width(text: str, size: float = FONT) -> float:
    return 0.56 * size * len(text)


@dataclass
class _Place:
    """Where a box lies: its middle, its width and height."""

    x: float
    y: float
    width: float
    height: float

    @property
    def top(self) -> float:
        return self.y - self.height / 2

    @property
    def bottom(self) -> float:
        return self.y + self.height / 2


@dataclass
class _Picture:
    boxes: list[Box]
    columns: list[Column]
    panels: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    shapes: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    places: dict[int, _Place] = field(default_factory=dict)
    lane_x: list[list[float]] = field(default_factory=list)
    left: list[float] = field(default_factory=list)
    right: list[float] = field(default_factory=list)
    width: float = 0.0
    height: float = 0.0

    # ---- geometry ---------------------------------------------------------------------------

    def draw(self) -> None:
        left = float(PADDING)
        for column in self.columns:
            left = self._place(column, left) + GUTTER
        self.width = left - GUTTER + PADDING
        lowest = max(place.bottom for place in self.places.values())
        self.height = lowest + PITCH_GAP + 2 * PADDING
        for number, column in enumerate(self.columns):
            self._draw_panels(column, number)
            self._draw_edges(column, number)
        for at, box in enumerate(self.boxes):
            self._draw_box(box, self.places[at])
        self._draw_output()

    def _place(self, column: Column, left: float) -> float:
        """Give each box its place; return the right edge of the column."""
        self.left.append(left)
        xs, edge = [], left + BAR + PADDING
        for lane, wide in enumerate(column.lanes):
            inside = [self.boxes[at] for at in column.boxes if self.boxes[at].lane == lane]
            width = max((_box_size(box)[0] for box in inside), default=NARROW)
            width = max(width, 70.0) if wide and lane == 0 else width
            xs.append(edge + width / 2)
            edge += width + LANE_GAP
        y = float(HEAD + PADDING + PITCH_GAP)
        for row in range(column.n_rows):
            in_row = [at for at in column.boxes if self.boxes[at].row == row]
            height = max(_box_size(self.boxes[at])[1] for at in in_row)
            if row and any(self.boxes[at].row == row for b in column.blocks for at in b.boxes[:1]):
                y += LINE  # room for the block's name
            for at in in_row:
                box = self.boxes[at]
                self.places[at] = _Place(xs[box.lane], y + height / 2, *_box_size(box))
            y += height + PITCH_GAP
        self.lane_x.append(xs)
        self.right.append(edge - LANE_GAP + PADDING)
        return self.right[-1]

    # ---- drawing ----------------------------------------------------------------------------

    def _draw_panels(self, column: Column, number: int) -> None:
        """Draw a ground and a name for each block, a bar and a name for each stage."""
        left = self.left[number] + BAR
        for name, stage in groupby(column.blocks, key=lambda block: block.group):
            if not name:
                continue
            highest, lowest = self.height, 0.0
            for block in stage:
                top = min(self.places[at].top for at in block.boxes) - PITCH_GAP + 3
                bottom = max(self.places[at].bottom for at in block.boxes) + 5
                highest, lowest = min(highest, top), max(lowest, bottom)
                self.panels.append(
                    f'<rect x="{left:.1f}" y="{top:.1f}" width="{self.right[number] - left:.1f}" '
                    f'height="{bottom - top:.1f}" rx="7" fill="{MIDDLE}" fill-opacity="0.12"/>'
                )
                if block.name != name:
                    x = self.right[number] - 8
                    self._text(x, bottom - 4, block.name, size=SMALL_FONT, anchor="end")
            x = self.left[number] + BAR - 6
            self.panels.append(
                f'<rect x="{x:.1f}" y="{highest:.1f}" width="3" height="{lowest - highest:.1f}" '
                f'rx="1.5" fill="{MIDDLE}"/>'
            )
            self._upright(x - 5, (highest + lowest) / 2, name, bold=True)

    def _draw_edges(self, column: Column, number: int) -> None:
        inside = set(column.boxes)
        beside = {(source, reader) for source, reader, _ in column.skips}
        entry: dict[int, tuple[float, float]] = {}
        top = HEAD + PADDING
        for order, (source, lane) in enumerate(column.entries.items()):
            x = self.lane_x[number][lane]
            entry[source] = (x, top)
            self._draw_crossing(source, number, x, top, order)
        labelled = set()
        for at in column.boxes:
            place = self.places[at]
            for source in self.boxes[at].inputs:
                if (source, at) in beside:
                    continue
                if source in inside:
                    x, y = self.places[source].x, self.places[source].bottom
                else:
                    x, y = entry[source]
                self._draw_edge(x, y, place)
                if source not in labelled:
                    labelled.add(source)
                    # a side path's shape stands beside its own line, under its last box
                    self._label(x - 5, y + 13, self.boxes[source].shape)
        for source, reader, lane in column.skips:
            x, y = entry.get(source) or (self.places[source].x, self.places[source].bottom)
            self._draw_skip(x, y, self.lane_x[number][lane], self.places[reader], source)

    def _draw_edge(self, x: float, y: float, to: _Place) -> None:
        if abs(x - to.x) < 1:
            self._line([(x, y), (x, to.top)])
        elif x < to.x:  # a side path begins
            turn = y + 6 if to.top - y > 10 else y + 3
            self._line([(x, y), (x, turn), (to.x, turn), (to.x, to.top)])
        else:  # a side path comes back
            self._line([(x, y), (x, to.y), (to.x + to.width / 2, to.y)])

    def _draw_skip(self, x: float, y: float, lane: float, to: _Place, source: int) -> None:
        start = y if abs(x - lane) < 1 else y + 6
        self._line([(x, start), (lane, start), (lane, to.y), (to.x + to.width / 2, to.y)])
        self._upright(lane + 11, (start + to.y) / 2, shape_text(self.boxes[source].shape))

    def _draw_crossing(self, source: int, number: int, x: float, top: float, order: int) -> None:
        """Lead the result of an earlier column into this one: down, across the gutter, up, in."""
        home = next(i for i, column in enumerate(self.columns) if source in column.boxes)
        place = self.places[source]
        low = max(self.places[at].bottom for at in self.columns[home].boxes)
        gutter = self.right[number - 1] + GUTTER / 2 + 4 * order
        high = top - 9 - 4 * order
        near = home == number - 1
        if place.bottom < low - 1:  # others stand below: leave by the side
            side = gutter if near else self.right[home] + GUTTER / 2 - 4
            route = [(place.x + place.width / 2, place.y), (side, place.y)]
        else:
            side = place.x
            route = [(place.x, place.bottom)]
            if near:
                under = low + PITCH_GAP - 5 + 4 * order
                route += [(place.x, under), (gutter, under)]
        if not near:  # below all the columns between
            under = self.height - PADDING - 4 * order
            route += [(side, under), (gutter, under)]
        self._line([*route, (gutter, high), (x, high), (x, top)], arrow=False)

    def _draw_output(self) -> None:
        last = self.places[len(self.boxes) - 1]
        self._line([(last.x, last.bottom), (last.x, last.bottom + PITCH_GAP)])
        self._label(last.x - 5, last.bottom + 13, self.boxes[-1].shape)

    def _draw_box(self, box: Box, place: _Place) -> None:
        fill, edge = FILLS[box.kind]
        tip = box.module or "the network itself"
        if box.parameters:
            tip += f": {box.parameters:,} parameters"
        frame = f'fill="{fill}" stroke="{edge}"'
        if box.kind == "sum":
            ground = f'<circle cx="{place.x:.1f}" cy="{place.y:.1f}" r="{RADIUS}" {frame}/>'
        else:
            ground = (
                f'<rect x="{place.x - place.width / 2:.1f}" y="{place.top:.1f}" '
                f'width="{place.width:.1f}" height="{place.height:.1f}" rx="4" {frame}/>'
            )
        rows = []
        first = place.y - (len(box.lines) - 1) * LINE / 2 + 0.35 * FONT
        for i, line in enumerate(box.lines):
            weight = ' font-weight="600"' if line.startswith(("conv", "linear")) else ""
            rows.append(
                f'<text x="{place.x:.1f}" y="{first + i * LINE:.1f}" font-size="{FONT}" '
                f'fill="{INK}" text-anchor="middle"{weight}>{escape(line)}</text>'
            )
        self.shapes.append(f"<g><title>{escape(tip)}</title>{ground}{''.join(rows)}</g>")

    def _line(self, points: list[tuple[float, float]], *, arrow: bool = True) -> None:
        path = "M" + " L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        self.lines.append(f'<path d="{path}"/>')
        if arrow:
            (x0, _), (x, y) = points[-2:]
            if abs(x - x0) < 0.5:
                corners = f"{x:.1f},{y:.1f} {x - 3.2:.1f},{y - 6:.1f} {x + 3.2:.1f},{y - 6:.1f}"
            else:
                back = 6 if x > x0 else -6
                corners = (
                    f"{x:.1f},{y:.1f} {x - back:.1f},{y - 3.2:.1f} {x - back:.1f},{y + 3.2:.1f}"
                )
            self.lines.append(f'<polygon points="{corners}" fill="{MIDDLE}" stroke="none"/>')

    def _label(self, x: float, y: float, shape: Sequence[int]) -> None:
        self._text(x, y, shape_text(shape), size=SMALL_FONT, anchor="end")

    def _text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float = FONT,
        anchor: str = "middle",
        bold: bool = False,
    ) -> None:
        weight = ' font-weight="600"' if bold else ""
        self.texts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{MIDDLE}" '
            f'text-anchor="{anchor}"{weight}>{escape(text)}</text>'
        )

    def _upright(self, x: float, y: float, text: str, *, bold: bool = False) -> None:
        weight = ' font-weight="600"' if bold else ""
        self.texts.append(
            f'<text transform="translate({x:.1f} {y:.1f}) rotate(-90)" fill="{MIDDLE}" '
            f'font-size="{FONT if bold else SMALL_FONT}" text-anchor="middle"{weight}>'
            f"{escape(text)}</text>"
        )

    def document(self, title: str, description: str) -> str:
        """Put the parts on top of each other: grounds, lines, boxes, text."""
        width = max(self.width, _text_width(title, FONT + 1) + 2 * PADDING)
        head = (
            f'<text x="{PADDING}" y="{FONT + 4}" font-size="{FONT + 1}" font-weight="700" '
            f'fill="{MIDDLE}">{escape(title)}</text>'
        )
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" '
                f'height="{self.height + FONT:.0f}" viewBox="0 0 {width:.0f} {self.height + FONT:.0f}" '
                'role="img" font-family="Helvetica, Arial, sans-serif">',
                f"<title>{escape(title)}</title>",
                f"<desc>{escape(description)}</desc>",
                head,
                f'<g transform="translate(0 {FONT})">',
                *self.panels,
                f'<g fill="none" stroke="{MIDDLE}" stroke-width="1.2" stroke-linejoin="round">',
                *self.lines,
                "</g>",
                *self.shapes,
                *self.texts,
                "</g>",
                "</svg>",
                "",
            ]
        )


def _box_size(box: Box) -> tuple[float, float]:
    if box.kind == "sum":
        return 2.0 * RADIUS, 2.0 * RADIUS
    width = max(_text_width(line) for line in box.lines) + 14
    return max(width, 44.0), LINE * len(box.lines) + 7.0
