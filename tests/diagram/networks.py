"""Networks of the kinds that torchinfo's own tests try, and more: each with what it is called with."""

import warnings
from collections import namedtuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import parametrizations, prune
from torch.nn.utils.rnn import pack_padded_sequence


class Calls(nn.Module):
    """Modules by name, and a forward pass written as a function."""

    def __init__(self, forward, **modules):
        super().__init__()
        self.call = forward
        for name, module in modules.items():
            if isinstance(module, nn.Parameter):
                self.register_parameter(name, module)
            else:
                self.add_module(name, module)

    def forward(self, *args, **kwargs):
        return self.call(self, *args, **kwargs)


def digits_net(**changed):
    """Two convolutions and two linear layers for 28×28 digits."""
    parts = {
        "conv1": nn.Conv2d(1, 10, 5),
        "conv2": nn.Conv2d(10, 20, 5),
        "drop": nn.Dropout2d(0.3),
        "fc1": nn.Linear(320, 50),
        "fc2": nn.Linear(50, 10),
    }

    def forward(net, x):
        x = functional.relu(functional.max_pool2d(net.conv1(x), 2))
        x = functional.relu(functional.max_pool2d(net.drop(net.conv2(x)), 2))
        x = functional.relu(net.fc1(x.view(-1, 320)))
        return functional.log_softmax(net.fc2(x), dim=1)

    return Calls(forward, **parts | changed)


def every_activation(net, x):
    kept = {"conv1": net.conv1(x)}
    kept["conv2"] = net.conv2(functional.relu(functional.max_pool2d(kept["conv1"], 2)))
    x = functional.relu(functional.max_pool2d(kept["conv2"], 2)).view(-1, 320)
    return kept | {"fc1": net.fc1(x), "output": net.fc2(functional.relu(net.fc1(x)))}


def siamese(net, one, other):
    def features(x):
        x = net.pool(functional.relu(net.conv1(x)))
        return net.fc1(net.pool(functional.relu(net.conv2(x))).flatten(1))

    return torch.sigmoid(net.fc2(torch.abs(features(one) - features(other))))


def siamese_net():
    return Calls(
        siamese,
        conv1=nn.Conv2d(1, 8, 5), conv2=nn.Conv2d(8, 16, 3), pool=nn.MaxPool2d(2, 2),
        fc1=nn.Linear(16 * 25, 32), fc2=nn.Linear(32, 1),
    )  # fmt: skip


def unpool(net, x):
    x = net.encode(x)
    shape = x.size()
    x, indices = net.pool(x)
    return net.decode(net.unpool(x, indices=indices, output_size=shape))


def autoencoder():
    return Calls(
        unpool,
        encode=nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU()),
        pool=nn.MaxPool2d(2, 2, return_indices=True), unpool=nn.MaxUnpool2d(2, 2),
        decode=nn.Sequential(nn.Conv2d(16, 3, 3, padding=1), nn.ReLU()),
    )  # fmt: skip


def dilated():
    block = nn.ModuleDict()
    for i in range(1, 4):
        block[f"conv{i}"] = nn.Conv2d(8, 8, 3, padding="same", dilation=2**i)
        block[f"norm{i}"] = nn.BatchNorm2d(8)

    def forward(net, x):
        x = torch.relu(net.norm(net.conv(x)))
        for i in range(1, 4):
            x = torch.relu(net.block[f"norm{i}"](net.block[f"conv{i}"](x)))
        return net.last(x)

    return Calls(
        forward, conv=nn.Conv2d(3, 8, 5, padding="same"), norm=nn.BatchNorm2d(8), block=block,
        last=nn.Conv2d(8, 1, 1),
    )  # fmt: skip


def loops_over_a_sequential():
    def forward(net, x):
        x = net.between(net.inner(x))
        for layer in net.inner:
            x = layer(x)
        return net.inner(x)

    inner = nn.Sequential(nn.Linear(5, 5), nn.Linear(5, 5))
    return Calls(forward, inner=inner, between=nn.Linear(5, 5))


def list_with_a_hole():
    layers = nn.ModuleList([nn.Linear(5, 5), loops_over_a_sequential(), nn.Linear(5, 5)])
    layers.append(None)  # type: ignore[arg-type]

    def forward(net, x):
        for layer in net.layers:
            x = x if layer is None else layer(x)
        return x

    return Calls(forward, layers=layers)


def one_layer_four_times():
    layer = nn.Linear(10, 10)
    return nn.Sequential(*(part for _ in range(4) for part in (layer, nn.ReLU(inplace=True))))


def one_layer_under_two_names():
    layer = nn.Linear(10, 10)
    rest = nn.Sequential(layer, nn.ReLU(), layer, nn.ReLU())
    return Calls(lambda net, x: net.rest(x), layer=layer, rest=rest)


class MadeLate(nn.Module):
    """A parameter that has no shape before the forward pass makes it."""

    def __init__(self):
        super().__init__()
        self.shift: nn.Parameter | nn.UninitializedParameter = nn.UninitializedParameter()

    def forward(self, x):
        self.shift = nn.Parameter(torch.zeros(128))
        return x + self.shift


def one_activation_for_all():
    activation = nn.ReLU(inplace=True)
    parts = [nn.ReflectionPad2d(3), nn.Conv2d(4, 1, 1), nn.BatchNorm2d(1), activation]
    for width in (1, 2, 4):
        parts += [nn.Conv2d(width, 2 * width, 1, 2, 1), nn.BatchNorm2d(2 * width), activation]
    return nn.Sequential(*parts)


def weighted_sum_of_blocks(net, x):
    for k, block in enumerate(net.blocks):
        x = x + net.weights[k] * block(x)
    return x


def repeated(net, x, *unused):
    for _ in range(6):
        x = net.conv(x)
    return x


def partly_trained():
    free, bias_fixed, fixed = (nn.Conv1d(1, 1, 1) for _ in range(3))
    assert bias_fixed.bias is not None
    bias_fixed.bias.requires_grad_(False)
    fixed.requires_grad_(False)
    return nn.Sequential(free, bias_fixed, fixed, nn.Dropout())


def pruned_net():
    net = digits_net()
    prune.random_unstructured(net.conv1, "weight", 0.5)
    prune.l1_unstructured(net.fc1, "weight", 0.25)
    return net


def weight_normed():
    return nn.Sequential(
        parametrizations.weight_norm(nn.Conv2d(3, 8, 3)),
        parametrizations.orthogonal(nn.Linear(6, 6)),
    )


def scripted(module):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*torch.jit.script", category=DeprecationWarning)
        return torch.jit.script(module)


class Wrapped:
    """An object that carries tensors."""

    def __init__(self, tensors):
        self.tensors = tensors


def tied_tokens():
    embedding, head = nn.Embedding(20, 8), nn.Linear(8, 20, bias=False)
    head.weight = embedding.weight
    return Calls(
        lambda net, x: net.head(net.encode(net.embedding(x))[0]),
        embedding=embedding, encode=nn.LSTM(8, 8, num_layers=2), head=head,
    )  # fmt: skip


def packed(net, batch, lengths):
    start = torch.ones(1, batch.size(1), 32)
    _, (last, _) = net.lstm(pack_padded_sequence(net.embedding(batch), lengths), (start, start))
    return functional.log_softmax(net.head(net.drop(last[-1])), dim=1)


def cell_in_a_loop(net, x):
    h = torch.randn(len(x), 2)
    c = torch.randn(len(x), 2)
    for _ in range(4):
        h, c = net.cell(x, (h, c))
        h = net.activation(h)
    return net.head(h)


class SmallViT(nn.Module):
    """Patches as tokens, learned positions and class token, the sequence axis first."""

    def __init__(self, width=16, patch=8, size=32, n_classes=10):
        super().__init__()
        self.patches = nn.Conv2d(3, width, patch, patch)
        self.token = nn.Parameter(torch.zeros(1, 1, width))
        self.position = nn.Parameter(torch.zeros(1, 1 + (size // patch) ** 2, width))
        self.layer_scale = nn.Parameter(torch.ones(width))
        self.encode = nn.TransformerEncoderLayer(width, 2, 2 * width)
        self.head = nn.Linear(width, n_classes)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(len(x), -1, -1), x], dim=1) + self.position
        x = self.encode(x.transpose(0, 1)) * self.layer_scale
        return self.head(x[0])


def inception(net, x):
    x = torch.cat([functional.relu(path(x)) for path in net.paths], dim=1)
    return net.head(x.mean(dim=(2, 3)))


def lazy():
    return nn.Sequential(nn.LazyConv2d(8, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(5))


def conv1d_list():
    part = lambda: nn.Sequential(nn.Conv1d(1, 1, 1), nn.ReLU(), nn.MaxPool1d(1))  # noqa: E731
    return nn.Sequential(*(part() for _ in range(5)))


def kernel_size_as_tensor():
    conv = nn.Conv1d(1, 1, 3, padding=1)
    net = Calls(lambda net, x: net.conv(x), conv=conv)
    net.kernel_size = torch.tensor(3)
    return net


Point = namedtuple("Point", ["x", "y"])
DIGIT = {"input_shape": (1, 28, 28)}
FIVE = {"input_shape": (5,)}


def given(*inputs):
    return {"inputs": inputs}


NETWORKS = {
    "digits": (digits_net, DIGIT),
    "digits in float64": (lambda: digits_net().double(), DIGIT),
    "digits in half precision": (lambda: digits_net().bfloat16(), DIGIT),
    "a batch of 64": (digits_net, given(torch.zeros(64, 1, 28, 28))),
    "every activation returned": (
        lambda: Calls(every_activation, **dict(digits_net().named_children())), DIGIT,
    ),
    "dict in a dict": (
        lambda: Calls(
            lambda net, x, y: net.inner(x),
            inner=Calls(every_activation, **dict(digits_net().named_children())),
        ),
        given(torch.zeros(1, 1, 28, 28), None),
    ),
    "pruned": (pruned_net, DIGIT),
    "weights normed": (lambda: nn.Sequential(weight_normed()[0]), {"input_shape": (3, 8, 8)}),
    "weights orthogonal": (lambda: weight_normed()[1], {"input_shape": (6,)}),
    "TorchScript in part": (
        lambda: digits_net(fc1=scripted(nn.Linear(320, 50))), DIGIT,
    ),
    "TorchScript": (
        lambda: scripted(nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU())), DIGIT,
    ),
    "compiled": (lambda: torch.compile(digits_net(), backend="eager"), DIGIT),
    "lazy": (lazy, {"input_shape": (3, 16, 16)}),
    "two images": (siamese_net, given(torch.zeros(1, 1, 28, 28), torch.zeros(1, 1, 28, 28))),
    "two types": (
        lambda: Calls(
            lambda net, a, b: torch.cat((net.one(a), net.other(b.float())), 0),
            one=nn.Linear(300, 10), other=nn.Linear(300, 10),
        ),
        given(torch.zeros(1, 300), torch.zeros(1, 300, dtype=torch.long)),
    ),
    "arguments by name": (
        lambda: Calls(lambda net, image, scale: scale * net.conv(image), conv=nn.Conv2d(3, 4, 3)),
        {"inputs": {"image": torch.zeros(2, 3, 8, 8), "scale": 2}},
    ),
    "a dict with numbers for keys": (
        lambda: Calls(lambda net, x, scale: scale * (x[256] + x[512][0]) * 5),
        given({256: torch.zeros(10, 1), 512: [torch.zeros(10, 1)]}, 3),
    ),
    "a choice by a scalar": (
        lambda: Calls(
            lambda net, x, k: net.one(x) if k == 5 else net.other(x),
            one=nn.Conv2d(4, 4, 3, 1, 1), other=nn.Conv2d(4, 2, 3, 1, 1),
        ),
        given(torch.zeros(1, 4, 16, 16), 5),
    ),
    "a choice by words": (
        lambda: Calls(
            lambda net, x, layer, activation: net.activations[activation](net.choices[layer](x)),
            choices=nn.ModuleDict({"conv": nn.Conv2d(10, 10, 3), "pool": nn.MaxPool2d(3)}),
            activations=nn.ModuleDict({"leaky": nn.LeakyReLU(), "prelu": nn.PReLU()}),
        ),
        given(torch.zeros(1, 10, 3, 3), "conv", "prelu"),
    ),
    "named tuples": (
        lambda: Calls(lambda net, x, y, z: Point(x, y).x + torch.ones(z.x)),
        given(torch.zeros(1, 2), torch.zeros(1, 2), Point(2, 3)),
    ),
    "a list of images": (
        lambda: Calls(lambda net, xs: sum(map(net.conv, xs)), conv=nn.Conv2d(3, 4, 3)),
        given([torch.zeros(1, 3, 8, 8), torch.zeros(1, 3, 8, 8)]),
    ),
    "an object around the result": (
        lambda: Calls(
            lambda net, x: {"a": ({"b": [Wrapped(functional.softmax(net.two(net.one(x)), 0))]},)},
            one=nn.Linear(10, 10), two=nn.Linear(10, 10),
        ),
        {"input_shape": (10,)},
    ),
    "unpooling": (autoencoder, {}),
    "one layer six times": (
        lambda: Calls(repeated, conv=nn.Conv2d(8, 8, 3, 1, 1)),
        {"input_shape": (8, 16, 16)},
    ),
    "one layer four times": (one_layer_four_times, {"input_shape": (10,)}),
    "one layer under two names": (one_layer_under_two_names, {"input_shape": (10,)}),
    "a parameter made late": (MadeLate, {"input_shape": (128,)}),
    "names of pruning without pruning": (
        lambda: Calls(
            lambda net, x: x * net.weight_orig * net.weight_mask,
            weight_orig=nn.Parameter(torch.ones(8)), weight_mask=nn.Parameter(torch.zeros(8)),
        ),
        {"input_shape": (8,)},
    ),
    "one activation for all": (one_activation_for_all, {"input_shape": (4, 64, 64)}),
    "loops over a container": (loops_over_a_sequential, FIVE),
    "a list with a hole": (list_with_a_hole, FIVE),
    "dilated, in a dict": (dilated, {"input_shape": (3, 32, 32)}),
    "one axis": (conv1d_list, {"input_shape": (1, 10)}),
    "kernel size as a tensor": (kernel_size_as_tensor, {"input_shape": (1, 10)}),
    "partly trained": (partly_trained, {"input_shape": (1, 10)}),
    "weights and a shift of its own": (
        lambda: Calls(
            lambda net, x: net.w * x + net.b,
            w=nn.Parameter(torch.ones(10)), b=nn.Parameter(torch.ones(10), requires_grad=False),
        ),
        {"input_shape": (10,)},
    ),
    "products of its own": (
        lambda: Calls(
            lambda net, x: net.head(torch.mm(x, net.a) + net.b),
            a=nn.Parameter(torch.randn(128, 64)), b=nn.Parameter(torch.randn(64)),
            head=nn.Linear(64, 5),
        ),
        {"input_shape": (128,)},
    ),
    "own parameters at two levels": (
        lambda: Calls(
            lambda net, x: net.inner(net.first(x)) * net.p,
            first=nn.Linear(2, 1), p=nn.Parameter(torch.ones(2)),
            inner=Calls(
                lambda net, x: net.layer(x) * net.p,
                layer=nn.Linear(1, 1), p=nn.Parameter(torch.ones(1)),
            ),
        ),
        {"input_shape": (2,)},
    ),
    "blocks weighted by a parameter": (
        lambda: Calls(
            weighted_sum_of_blocks,
            weights=nn.Parameter(torch.zeros(3)),
            blocks=nn.ModuleList(nn.Linear(64, 64) for _ in range(3)),
        ),
        {"input_shape": (64,)},
    ),
    "parameters that nothing reads": (
        lambda: Calls(
            lambda net, x: x,
            weights=nn.ParameterList([torch.zeros(100, 100), torch.zeros(100, 200)]),
        ),
        {"input_shape": (100, 100)},
    ),
    "a layer that is not called": (
        lambda: Calls(lambda net, x: net.one(x), one=nn.Linear(5, 5), other=nn.Linear(5, 7)),
        FIVE,
    ),
    "the identity": (lambda: Calls(lambda net, x: net.same(x), same=nn.Identity()), FIVE),
    "tokens, tied": (tied_tokens, given(torch.zeros(12, 1, dtype=torch.long))),
    "packed sequences": (
        lambda: Calls(
            packed,
            embedding=nn.Embedding(60, 128), lstm=nn.LSTM(128, 32), drop=nn.Dropout(0.2),
            head=nn.Linear(32, 18),
        ),
        given(torch.ones(20, 4, dtype=torch.long), torch.tensor([20, 10, 5, 2])),
    ),
    "a cell in a loop": (
        lambda: Calls(
            cell_in_a_loop, cell=nn.LSTMCell(3, 2), activation=nn.Tanh(), head=nn.Linear(2, 3)
        ),
        {"input_shape": (3,)},
    ),
    "GRU over rows": (
        lambda: Calls(
            lambda net, x: net.head(net.gru(x.squeeze(1))[0][:, -1]),
            gru=nn.GRU(28, 16, batch_first=True), head=nn.Linear(16, 10),
        ),
        DIGIT,
    ),
    "a transformer for images": (SmallViT, {}),
    "paths side by side": (
        lambda: Calls(
            inception,
            paths=nn.ModuleList(nn.Conv2d(3, 4, k, padding=k // 2) for k in (1, 3, 5)),
            head=nn.Linear(12, 2),
        ),
        {},
    ),
    "groups and shuffles": (
        lambda: nn.Sequential(
            nn.Conv2d(3, 8, 1), nn.ChannelShuffle(2), nn.Conv2d(8, 8, 3, groups=8),
            nn.PixelShuffle(2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 3),
        ),
        {},
    ),
    "transposed and upsampled": (
        lambda: nn.Sequential(
            nn.ConvTranspose2d(3, 8, 4, 2, 1), nn.GroupNorm(2, 8), nn.Upsample(scale_factor=2),
            nn.InstanceNorm2d(8), nn.Conv2d(8, 3, 1), nn.Softplus(),
        ),
        {},
    ),
    "three axes": (
        lambda: nn.Sequential(nn.Conv3d(1, 4, 3), nn.BatchNorm3d(4), nn.MaxPool3d(2)),
        {"input_shape": (1, 8, 8, 8)},
    ),
    "made for one image": (
        lambda: Calls(
            lambda net, x: net.head(net.conv(x).reshape(1, -1)),
            conv=nn.Conv2d(3, 2, 3), head=nn.Linear(72, 3),
        ),
        {"input_shape": (3, 8, 8)},
    ),
}  # fmt: skip

WITHOUT_AN_IMAGE = {
    "no arguments": (
        lambda: Calls(lambda net: {"loss": net.p.sum()}, p=nn.Parameter(torch.ones(3, 3))), given(),
    ),
    "an empty dict as the input": (
        lambda: Calls(lambda net, d: net.layer(d.get("x", torch.ones(3))), layer=nn.Linear(3, 1)),
        given({}),
    ),
    "its own parameter is the result": (
        lambda: Calls(lambda net, x: net.w, w=nn.Parameter(torch.ones(8, 16))),
        {"input_shape": (16,)},
    ),
    "NumPy inside": (
        lambda: Calls(
            lambda net, x: net.layer(torch.from_numpy(x)).detach().numpy(), layer=nn.Linear(3, 3)
        ),
        given(np.zeros((1, 3), dtype=np.float32)),
    ),
    "words as the result": (
        lambda: Calls(lambda net, x: str(net.conv(x).shape), conv=nn.Conv2d(1, 2, 3)), DIGIT,
    ),
}  # fmt: skip
