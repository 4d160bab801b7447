"""From traced operations to boxes in columns: what a diagram shows together, and where."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

from pitfalls.diagram.operation_labels import Kind
from pitfalls.diagram.trace import Operation

__all__ = ["Block", "Box", "Column", "arrange", "make_boxes"]

SMALL = ("norm", "activation", "reshape")  # kinds that share a box with their neighbours
HEAVY = ("conv", "linear")
MAX_ROWS = 14  # of one column


@dataclass
class Box:
    """One or more operations drawn as one box.

    Attributes
    ----------
    lines : list of str
        One a row of text.
    kind : str
        Of the heaviest operation in it; decides the colour.
    inputs : list of int
        The boxes whose results enter.
    shape : tuple of int
        Of its result.
    module, container, parameters
        As of its operations.
    closed : bool
        Whether it takes no further operation.
    row, lane : int
        Where it stands in its column: counted from the top, and from the main path.
    """

    lines: list[str]
    kind: Kind
    inputs: list[int]
    shape: tuple[int, ...]
    module: str
    container: str
    parameters: int
    closed: bool = False
    row: int = 0
    lane: int = 0


@dataclass
class Block:
    """Consecutive boxes of one module."""

    name: str
    boxes: list[int]
    n_rows: int = 0

    @property
    def group(self) -> str:
        """The outermost module that it belongs to, "" for the network itself."""
        return self.name.split(".")[0]


@dataclass
class Column:
    """Blocks drawn above one another.

    Attributes
    ----------
    blocks : list of Block
        From the top.
    skips : list of (int, int, int)
        Arrows that pass boxes by: from box, to box, lane.
    entries : dict
        For each box elsewhere that this column reads, the lane in which its arrow comes in.
    lanes : list of bool
        For each lane, whether boxes stand in it (else only arrows pass).
    """

    blocks: list[Block] = field(default_factory=list)
    skips: list[tuple[int, int, int]] = field(default_factory=list)
    entries: dict[int, int] = field(default_factory=dict)
    lanes: list[bool] = field(default_factory=lambda: [True])

    @property
    def boxes(self) -> list[int]:
        """The boxes of all its blocks, in order."""
        return [box for block in self.blocks for box in block.boxes]

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return sum(block.n_rows for block in self.blocks)


def make_boxes(operations: Sequence[Operation]) -> list[Box]:
    """Put operations together that a reader takes as one step.

    Normalisation, activation and flattening join each other; such a group joins the convolution
    or linear layer after it, or else the one before it, where nothing else reads what lies between.
    """
    n_readers = [0] * len(operations)
    for operation in operations:
        for i in operation.inputs:
            n_readers[i] += 1
    boxes: list[Box] = []
    home: list[int] = []  # operation -> box
    for operation in operations:
        before = operation.inputs[0] if len(operation.inputs) == 1 else None
        if before is not None and n_readers[before] == 1 and home[before] == len(boxes) - 1:
            last = boxes[-1]
            if last.container == operation.container and _join(last, operation):
                home.append(len(boxes) - 1)
                continue
        inputs = list(dict.fromkeys(home[i] for i in operation.inputs))
        boxes.append(
            Box(
                lines=[operation.label],
                kind=operation.kind,
                inputs=inputs,
                shape=operation.shape,
                module=operation.module,
                container=operation.container,
                parameters=operation.parameters,
            )
        )
        home.append(len(boxes) - 1)
    return boxes


def _join(box: Box, operation: Operation) -> bool:
    """Take the operation into the box if they read as one step."""
    if operation.kind in SMALL:
        if box.closed or box.kind not in (*SMALL, *HEAVY, "pool"):
            return False
        if box.kind in SMALL or len(box.lines) == 2:
            box.lines[-1] += f" · {operation.label}"
        else:
            box.lines.append(operation.label)
    elif operation.kind in HEAVY and box.kind in ("norm", "activation"):
        box.lines.append(operation.label)
        box.kind, box.module, box.closed = operation.kind, operation.module, True
    else:
        return False
    box.shape = operation.shape
    box.parameters += operation.parameters
    return True


def arrange(boxes: list[Box], max_rows: int = MAX_ROWS) -> list[Column]:
    """Stack blocks into columns, and give each box its row and lane."""
    blocks: list[Block] = []
    for at, name in enumerate(_block_names(boxes)):
        if not blocks or blocks[-1].name != name or len(blocks[-1].boxes) >= max_rows:
            blocks.append(Block(name, []))
        blocks[-1].boxes.append(at)
    for block in blocks:
        _set_rows(block, boxes)
    columns: list[Column] = []
    for _, stage in groupby(blocks, key=lambda block: block.group):
        together = list(stage)
        rows = sum(block.n_rows for block in together)
        if not columns or columns[-1].n_rows + rows > max_rows:
            columns.append(Column())  # a stage that fits into one column is not torn
        for block in together:
            if columns[-1].blocks and columns[-1].n_rows + block.n_rows > max_rows:
                columns.append(Column())
            for at in block.boxes:
                boxes[at].row += columns[-1].n_rows
            columns[-1].blocks.append(block)
    for column in columns:
        _set_lanes(column, boxes)
    return columns


def _block_names(boxes: Sequence[Box]) -> list[str]:
    """Return for each box its stage and block: two levels of modules below any mere wrapper."""
    paths = [box.container.split(".") if box.container else [] for box in boxes]
    inputs = sum(not box.inputs for box in boxes)  # they come first, and are in no module
    while len({tuple(path[:1]) for path in paths[inputs:]}) == 1 and paths[-1]:
        paths = [path[1:] for path in paths]
    return [".".join(path[:2]) for path in paths]


def _set_rows(block: Block, boxes: list[Box]) -> None:
    """Give each box of a block one row below the lowest box that it reads."""
    inside = set(block.boxes)
    for at in block.boxes:
        above = [boxes[i].row for i in boxes[at].inputs if i in inside]
        boxes[at].row = max(above, default=-1) + 1
    block.n_rows = max(boxes[at].row for at in block.boxes) + 1


def _set_lanes(column: Column, boxes: list[Box]) -> None:
    """Put the longest path straight down, and what runs beside it into lanes to its right."""
    inside = column.boxes
    readers: dict[int, list[int]] = {}
    for at in inside:
        for source in boxes[at].inputs:
            readers.setdefault(source, []).append(at)
    row = {at: boxes[at].row for at in inside}
    height: dict[int, int] = {}
    for at in reversed(inside):
        height[at] = 1 + max((height[r] for r in readers.get(at, [])), default=0)
    passing: list[list[tuple[int, int]]] = [[]]  # for each lane, the rows in which it is taken
    placed: set[int] = set()

    def take_lane(top: int, bottom: int, *, wide: bool) -> int:
        for lane in range(1, len(passing) + 1):
            if lane == len(passing):
                passing.append([])
                column.lanes.append(False)
            if all(bottom < low or top > high for low, high in passing[lane]):
                break
        passing[lane].append((top, bottom))
        column.lanes[lane] |= wide
        return lane

    def take_path(at: int) -> list[int]:
        path = [at]
        while open_ends := [r for r in readers.get(path[-1], []) if r not in placed]:
            path.append(max(open_ends, key=lambda r: height[r]))
            placed.add(path[-1])
        return path

    start = max((at for at in inside if row[at] == 0), key=lambda at: height[at])
    placed.add(start)
    take_path(start)
    for at in inside:
        if at in placed:
            continue
        placed.add(at)
        path = take_path(at)
        top = max((row.get(source, -1) for source in boxes[at].inputs), default=-1) + 1
        bottom = max((row[r] - 1 for r in readers.get(path[-1], [])), default=row[path[-1]])
        lane = take_lane(top, max(bottom, row[path[-1]]), wide=True)
        for member in path:
            boxes[member].lane = lane
    for source, reading in readers.items():
        inner = source in row
        for reader in reading:
            if not inner and row[reader] == 0:
                column.entries[source] = 0
            if row[reader] - row.get(source, -1) > 1 and boxes[reader].lane == 0:
                if inner and boxes[source].lane > 0:
                    continue  # a side path comes down its own lane
                lane = take_lane(row.get(source, -1) + 1, row[reader] - 1, wide=False)
                column.skips.append((source, reader, lane))
                if not inner:
                    column.entries.setdefault(source, lane)
        if not inner:
            column.entries.setdefault(source, boxes[reading[0]].lane)
