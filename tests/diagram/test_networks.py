"""Summaries and diagrams of networks of every kind, each weight counted once."""

import re
from xml.etree import ElementTree

import pytest
import torch
import torchinfo
from torch import nn

from pitfalls.diagram import diagram, layer_table, summary
from pitfalls.diagram.trace import trace
from pitfalls.errors import InputError
from pitfalls.images import FastNet, ResNet18
from tests.diagram.networks import NETWORKS, WITHOUT_AN_IMAGE, SmallViT, digits_net, tied_tokens

ALL = NETWORKS | WITHOUT_AN_IMAGE


def made(name):
    make, call = ALL[name]
    return make(), call


def every_value_once(net):
    return sum({id(p): p.numel() for p in net.parameters()}.values())


@pytest.mark.parametrize(
    "name", [name for name in ALL if name not in ("lazy", "a parameter made late")]
)
def test_rows_add_up_to_every_weight_once_at_any_depth(name):
    net, call = made(name)
    for depth in (0, 1, 9):
        table = layer_table(net, **call, depth=depth)
        assert sum(row.n_parameters for row in table.rows) == table.n_parameters
        assert table.n_parameters == every_value_once(net)
        assert table.n_trainable == sum(p.numel() for p in net.parameters() if p.requires_grad)
        assert all(row.level <= depth for row in table.rows)
        assert table.rows[0].mult_adds == table.mult_adds
        assert "Total params" in str(table)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_of_any_kind_is_drawn(name):
    net, call = made(name)
    ElementTree.fromstring(diagram(net, **call))


@pytest.mark.parametrize("name", WITHOUT_AN_IMAGE)
def test_what_does_not_come_from_an_image_is_not_drawn(name):
    net, call = made(name)
    with pytest.raises(InputError, match="must return tensors"):
        diagram(net, **call)


RIGHT_IN_TORCHINFO = [
    "digits", "every activation returned", "unpooling", "dilated, in a dict", "one axis",
    "partly trained", "own parameters at two levels", "a transformer for images",
    "paths side by side", "three axes", "one layer six times",
]  # fmt: skip


@pytest.mark.parametrize("name", RIGHT_IN_TORCHINFO)
def test_shapes_and_counts_are_torchinfo_s_where_that_counts_each_weight_once(name):
    net, call = made(name)
    theirs = torchinfo.summary(
        net, input_size=(1, *call.get("input_shape", (3, 32, 32))), depth=9, mode="eval", verbose=0
    )
    ours = layer_table(net, **call, depth=9)
    assert ours.n_parameters == theirs.total_params
    assert ours.n_trainable == theirs.trainable_params
    by_id = {id(module): name for name, module in net.named_modules()}
    shapes = {row.name: row.shape for row in ours.rows if row.shape is not None}
    compared = 0
    for layer in theirs.summary_list:
        given = by_id[layer.layer_id]
        if not list(layer.module.children()) and given in shapes:
            assert tuple(layer.output_size) == shapes[given]
            compared += 1
    assert compared


def test_tied_weights_are_counted_where_they_stand_first():
    net = tied_tokens()
    table = layer_table(net, inputs=torch.zeros(12, 1, dtype=torch.long))
    rows = {row.name: row for row in table.rows}
    assert (rows["embedding"].n_parameters, rows["head"].n_parameters) == (160, 0)
    assert rows["head"].n_tied == 160
    assert "(160 tied)" in str(table)


def test_a_parameter_that_the_forward_pass_makes_is_counted():
    net, call = made("a parameter made late")
    assert layer_table(net, **call).n_parameters == 128


def test_names_alone_prune_nothing():
    net, call = made("names of pruning without pruning")
    table = layer_table(net, **call)
    assert (table.n_parameters, table.n_pruned) == (16, 0)


def test_pruned_weights_are_counted_once_and_said():
    net, call = made("pruned")
    table = layer_table(net, **call)
    assert table.n_parameters == every_value_once(digits_net())
    zeros = sum(int((m.weight_mask == 0).sum()) for m in (net.conv1, net.fc1))
    assert table.n_pruned == zeros == 125 + 4000
    assert "Pruned to zero: 4,125 of them" in str(table)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_images_have_the_network_s_own_dtype(dtype):
    seen = []
    net = digits_net().to(dtype)
    net.conv1.register_forward_pre_hook(lambda _, given: seen.append(given[0].dtype))
    layer_table(net, (1, 28, 28))
    assert seen == [dtype]


def test_layers_that_are_not_called_are_named():
    net, call = made("a layer that is not called")
    assert re.search(r"other: Linear +not called +42", summary(net, **call))


def test_multiplications_are_those_of_products_and_convolutions():
    conv = layer_table(nn.Conv2d(3, 8, 3), (3, 8, 8))
    assert conv.mult_adds == 8 * 6 * 6 * 27
    attention = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    assert layer_table(attention, (5, 8)).mult_adds == 5 * 8 * 32 + 2 * 5 * 8 * 16 + 2 * 5 * 5 * 8
    recurrent = nn.LSTM(4, 5, batch_first=True)
    assert layer_table(recurrent, (2, 4)).mult_adds == 2 * 20 * (4 + 5)


def test_lazy_and_compiled_networks_are_left_as_they_are():
    net, call = made("lazy")
    assert layer_table(net, **call).n_parameters == 8 * 28 + 5 * (8 * 14 * 14 + 1)
    diagram(net, **call)
    assert isinstance(net[0].weight, nn.UninitializedParameter)
    compiled = torch.compile(digits_net(), backend="eager")
    assert isinstance(compiled, nn.Module)
    kinds = [row.kind for row in layer_table(compiled, (1, 28, 28)).rows]
    assert kinds[0] == "Calls"


def test_random_numbers_and_buffers_are_left_as_they_are():
    class Counts(nn.Module):
        seen: torch.Tensor

        def __init__(self):
            super().__init__()
            self.register_buffer("seen", torch.zeros(()))

        def forward(self, x):
            self.seen += len(x)
            return x + torch.randn(())

    net = Counts()
    state = torch.random.get_rng_state()
    summary(net, (2,))
    diagram(net, (2,))
    assert net.seen == 0
    assert torch.equal(state, torch.random.get_rng_state())


def test_the_sequence_axis_is_kept_wherever_it_stands():
    operations = trace(SmallViT(), (3, 32, 32))
    shapes = {op.shape for op in operations}
    assert {(16, 4, 4), (16, 16), (17, 16)} <= shapes  # tokens in any order, no batch axis
    assert not any(1 in op.shape for op in operations)
    assert "17×16" in diagram(SmallViT())


def test_what_inputs_are_given_keep_all_their_axes():
    svg = diagram(tied_tokens(), inputs=torch.zeros(12, 1, dtype=torch.long))
    for text in ("12×1×20", "embedding 20 → 8", "LSTM → 8", "linear 8 → 20"):
        assert text in svg


def test_learned_scales_and_shifts_are_told_from_constants():
    net, call = made("weights and a shift of its own")
    assert [op.label for op in trace(net, **call)] == ["input", "learned scale", "learned shift"]
    own, call = made("products of its own")
    assert [op.label for op in trace(own, **call)][1] == "linear → 64"
    labels = [op.label for op in trace(SmallViT(), (3, 32, 32))]
    assert {"learned scale", "learned shift", "attention"} <= set(labels)
    assert "+ constant" in [op.label for op in trace(nn.Sequential(Plus()), (3, 4, 4))]


class Plus(nn.Module):
    def forward(self, x):
        return x + 1


def test_two_inputs_are_two_boxes():
    net, call = made("two images")
    operations = trace(net, (1, 28, 28), **call)
    assert [op.label for op in operations if op.kind == "input"] == ["input", "input 2"]
    names, _ = made("arguments by name")
    call = {"inputs": {"image": torch.zeros(2, 3, 8, 8), "scale": torch.ones(())}}
    assert [op.label for op in trace(names, (), **call)][:2] == ["input", "input scale"]


@pytest.mark.parametrize("make", [ResNet18, FastNet])
def test_the_library_s_networks_have_rows_for_all_their_weights(make):
    net = make()
    table = layer_table(net, depth=2)
    assert table.n_parameters == every_value_once(net)
    assert table.rows[0].mult_adds == table.mult_adds > 10**7


def test_inputs_that_do_not_fit_are_refused_in_one_line():
    with pytest.raises(InputError, match="Calls does not run on these inputs: ") as raised:
        layer_table(digits_net(), inputs=torch.zeros(1, 3, 28, 28))
    assert "\n" not in str(raised.value)
