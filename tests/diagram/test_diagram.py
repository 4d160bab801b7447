"""Summary and diagram say what a forward pass did, for any network."""

import copy
import re
from xml.etree import ElementTree

import pytest
import torch
from torch import nn
from torch.nn import functional

from pitfalls.diagram import diagram, summary
from pitfalls.diagram.boxes import arrange, make_boxes
from pitfalls.diagram.trace import trace
from pitfalls.errors import InputError
from pitfalls.images import ResNet18

SVG = "{http://www.w3.org/2000/svg}"


class Residual(nn.Module):
    """After the usual order, with a choice that a symbolic tracer cannot follow."""

    def __init__(self, n_in, n_out, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(n_out)
        self.conv2 = nn.Conv2d(n_out, n_out, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(n_out)
        self.down = nn.Conv2d(n_in, n_out, 1, stride) if stride > 1 else nn.Identity()

    def forward(self, x):
        y = functional.relu(self.norm1(self.conv1(x)))
        y = self.norm2(self.conv2(y)) + self.down(x)
        if y.shape[-1] > 2:
            y = functional.relu(y)
        return y


class Inception(nn.Module):
    def __init__(self):
        super().__init__()
        self.paths = nn.ModuleList(nn.Conv2d(3, 4, k, padding=k // 2) for k in (1, 3, 5))
        self.head = nn.Linear(12, 2)

    def forward(self, x):
        y = torch.cat([functional.relu(path(x)) for path in self.paths], dim=1)
        return {"logits": self.head(y.mean(dim=(2, 3)))}


def small_net():
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        Residual(8, 8),
        Residual(8, 16, 2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(16, 5),
    )


def texts(svg):
    return ["".join(node.itertext()) for node in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_trace_gives_every_leaf_module_with_the_shape_that_a_hook_sees():
    net = ResNet18()
    seen = {}
    for name, module in net.named_modules():
        if not list(module.children()):
            module.register_forward_hook(
                lambda _, __, out, name=name: seen.update({name: tuple(out.shape[1:])})
            )
    net.eval()(torch.zeros(1, 3, 32, 32))
    traced = {op.module: op.shape for op in trace(net, (3, 32, 32)) if op.module in seen}
    assert traced == seen
    operations = trace(net, (3, 32, 32))
    assert sum(op.parameters for op in operations) == 5_205_962
    assert sum(op.kind == "conv" for op in operations) == 20
    assert sum(op.kind == "sum" for op in operations) == 8


def test_trace_follows_the_data_through_sums_and_in_place_operations():
    operations = trace(ResNet18(), (3, 32, 32))
    for operation in operations:
        if operation.kind == "sum":
            assert len(operation.inputs) == 2
            for i in operation.inputs:
                assert operations[i].shape == operation.shape
    projections = [op for op in operations if op.label.startswith("conv 1×1")]
    for projection in projections:  # they read the activated input, not the block's input
        assert operations[projection.inputs[0]].kind == "activation"


def test_diagram_of_the_homework_network_shows_stages_blocks_shortcuts_and_shapes():
    svg = diagram(ResNet18())
    written = texts(svg)
    root = ElementTree.fromstring(svg)
    assert len(list(root.iter(f"{SVG}circle"))) == 8  # one sum a block
    for stage in range(1, 5):
        assert f"stage{stage}" in written
        assert {f"stage{stage}.0", f"stage{stage}.1"} <= set(written)
    for shape in ("3×32×32", "64×32×32", "128×16×16", "256×8×8", "256×4×4", "512", "10"):
        assert shape in written
    assert sum(text.startswith("conv") for text in written) == 20
    assert sum(text.startswith("conv 1×1") for text in written) == 3
    identity = re.findall(r"rotate\(-90\)\"[^>]*>(\d+×\d+×\d+)<", svg)
    assert sorted(identity) == ["128×16×16", "256×4×4", "256×8×8", "64×32×32", "64×32×32"]


@pytest.mark.parametrize("make", [ResNet18, small_net, Inception])
def test_diagram_is_accessible_and_holds_no_style_script_or_reference(make):
    svg = diagram(make())
    root = ElementTree.fromstring(svg)
    assert root.findtext(f"{SVG}title")
    assert "parameters" in root.findtext(f"{SVG}desc", "")
    tags = {node.tag.removeprefix(SVG) for node in root.iter()}
    assert tags <= {"svg", "g", "title", "desc", "rect", "circle", "path", "polygon", "text"}
    assert "href" not in svg
    width, height = (float(root.attrib[k]) for k in ("width", "height"))
    for node in root.iter(f"{SVG}rect"):
        assert float(node.attrib["x"]) >= 0
        assert float(node.attrib["x"]) + float(node.attrib["width"]) <= width + 1
        assert float(node.attrib["y"]) + float(node.attrib["height"]) <= height + 1


@pytest.mark.parametrize("make", [ResNet18, small_net, Inception])
@pytest.mark.parametrize("max_rows", [2, 6, 14])
def test_boxes_of_a_column_never_share_a_place(make, max_rows):
    boxes = make_boxes(trace(make(), (3, 32, 32)))
    columns = arrange(boxes, max_rows)
    assert sorted(at for column in columns for at in column.boxes) == list(range(len(boxes)))
    for column in columns:
        places = [(boxes[at].row, boxes[at].lane) for at in column.boxes]
        assert len(set(places)) == len(places)
        for at in column.boxes:
            inner = [i for i in boxes[at].inputs if i in column.boxes]
            assert all(boxes[i].row < boxes[at].row for i in inner)


def test_users_own_network_with_data_dependent_python_is_drawn():
    written = texts(diagram(small_net(), (3, 8, 8)))
    assert written.count("+") == 2
    assert "conv 1×1, 16 /2" in written
    assert "16×4×4" in written
    branches = texts(diagram(Inception(), (3, 8, 8)))
    assert {"conv 1×1, 4", "conv 3×3, 4", "conv 5×5, 4", "concatenate"} <= set(branches)


class Branches(nn.Module):
    """Two convolutions that a function puts together."""

    def __init__(self, join):
        super().__init__()
        self.join = join
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1)
        self.conv2 = nn.Conv2d(3, 8, 5, padding=2)
        self.register_buffer("canvas", torch.zeros(1, 16, 8, 8))

    def forward(self, x):
        return self.join(self, x)


def joined(join):
    return trace(Branches(join), (3, 8, 8))


def labels(operations):
    return [operation.label for operation in operations]


def test_weights_given_by_name_are_read():
    operations = joined(
        lambda net, x: functional.linear(
            functional.conv2d(x, weight=net.conv1.weight, stride=2).flatten(1),
            weight=torch.ones(4, 72),
        )
    )
    assert labels(operations) == ["input", "conv 3×3, 8 /2", "flatten", "linear 72 → 4"]


def write_by_index(net, x):
    out = torch.zeros(1, 16, 8, 8)
    out[:, :8] = net.conv1(x)
    out[:, 8:] = net.conv2(x)
    return out


def write_by_copy(net, x):
    first, second = net.canvas[:, :8], net.canvas[:, 8:]
    first.copy_(net.conv1(x))
    second.copy_(net.conv2(x))
    return net.canvas


def write_by_out(net, x):
    out = torch.zeros(1, 16, 8, 8)
    torch.mul(net.conv1(x), 1, out=out[:, :8])
    torch.mul(net.conv2(x), 1, out=out[:, 8:])
    return out


@pytest.mark.parametrize("write", [write_by_index, write_by_copy, write_by_out])
def test_tensor_filled_in_place_comes_from_all_that_was_written(write):
    operations = joined(write)
    assert {"conv 3×3, 8", "conv 5×5, 8"} <= set(labels(operations))
    last = operations[-1]
    assert (last.kind, last.label, last.shape, len(last.inputs)) == (
        "concat",
        "write",
        (16, 8, 8),
        2,
    )


def test_write_to_a_part_joins_the_target_and_the_value():
    def join(net, x):
        y = net.conv1(x)
        y[:, :1] = net.conv2(x).amax(1, keepdim=True)
        return y

    operations = joined(join)
    assert [operations[i].label for i in operations[-1].inputs] == ["conv 3×3, 8", "maximum"]


def test_augmented_assignment_to_a_part_is_one_sum_and_one_write():
    def join(net, x):
        y = net.conv1(x)
        y[:, :4] += net.conv2(x)[:, 4:]
        return y

    written = labels(joined(join))
    assert (written.count("+"), written.count("write")) == (1, 1)


def test_writes_to_one_chunk_leave_the_other_alone():
    def join(net, x):
        a, b = net.conv1(x).chunk(2, 1)
        a += torch.sin(b)
        b += torch.cos(a)
        return torch.cat([a, b], 1)

    operations = joined(join)
    first, second = (op for op in operations if op.label == "+")
    assert [operations[i].label for i in first.inputs] == ["chunk", "sin"]
    assert [operations[i].label for i in second.inputs] == ["chunk", "cos"]


def test_view_keeps_its_shape_when_its_memory_is_written_to():
    def join(net, x):
        y = net.conv1(x)
        flat = y.flatten(1)
        functional.relu(y, inplace=True)
        return flat

    operations = joined(join)
    assert labels(operations) == ["input", "conv 3×3, 8", "ReLU", "write"]
    assert operations[-1].shape == (512,)


def test_result_may_be_nested():
    operations = joined(lambda net, x: ((net.conv1(x), ({"b": [net.conv2(x)]},)),))
    assert labels(operations) == ["input", "conv 3×3, 8", "conv 5×5, 8"]


def test_python_sum_adds_no_constant():
    operations = joined(lambda net, x: sum([net.conv1(x), net.conv2(x)]))
    assert labels(operations) == ["input", "conv 3×3, 8", "conv 5×5, 8", "+"]
    assert labels(joined(lambda _, x: x + 1)) == ["input", "+ constant"]


@pytest.mark.parametrize(
    "result", [lambda net, x: net.canvas, lambda net, x: None, lambda net, x: x.tolist()]
)
def test_result_that_does_not_come_from_the_images_is_refused_in_one_line(result):
    with pytest.raises(InputError, match=r"diagram: Branches must return .* Got \w+ ") as raised:
        diagram(Branches(result), (3, 8, 8))
    assert "\n" not in str(raised.value)


def test_drawing_changes_neither_mode_nor_buffers_nor_hooks():
    net = small_net().train()
    net[1].eval()
    before = {k: v.clone() for k, v in net.state_dict().items()}
    modes = [module.training for module in net.modules()]
    diagram(net)
    summary(net)
    assert [module.training for module in net.modules()] == modes
    assert all(torch.equal(before[k], v) for k, v in net.state_dict().items())
    assert not any(module._forward_hooks for module in net.modules())


def test_no_mark_of_a_global_hook_is_left_behind():
    """It would make torch warn wherever a compiled module is called afterwards."""
    names = [name for name in vars(torch.nn.modules.module) if name.startswith("_global_")]
    before = {name: copy.copy(getattr(torch.nn.modules.module, name)) for name in names}
    summary(nn.Sequential(nn.Flatten(), nn.Linear(12, 2)), (3, 2, 2))
    assert {name: getattr(torch.nn.modules.module, name) for name in names} == before


def test_same_network_gives_the_same_picture():
    assert diagram(small_net()) == diagram(small_net())


def test_summary_counts_the_homework_network():
    text = summary(ResNet18())
    assert "Total params: 5,205,962" in text
    assert "[1, 256, 4, 4]" in text


@pytest.mark.parametrize("function", [diagram, summary])
def test_images_that_do_not_fit_are_refused_in_one_line(function):
    with pytest.raises(InputError, match="does not run on images of shape 1×32×32") as raised:
        function(ResNet18(), (1, 32, 32))
    assert "\n" not in str(raised.value)


def test_names_are_escaped():
    net = nn.Sequential()
    net.add_module("<b>&", nn.Sequential(nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 1)))
    net.add_module("head", nn.Conv2d(4, 4, 1))
    assert "<b>&" in texts(diagram(net, (3, 4, 4)))
