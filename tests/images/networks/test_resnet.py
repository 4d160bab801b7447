import pytest
import torch
from torch.nn import functional

from pitfalls.errors import InputError
from pitfalls.images.networks.resnet import ResNet18


def test_resnet18_has_5205962_parameters():
    assert sum(p.numel() for p in ResNet18().parameters()) == 5_205_962


def restated(w, x):
    """The network written out over a dict of weights, after the homework's description alone."""

    def norm(x, name):
        return functional.batch_norm(
            x,
            w[f"{name}.running_mean"],
            w[f"{name}.running_var"],
            w[f"{name}.weight"],
            w[f"{name}.bias"],
        )

    def conv(x, name, stride=1):
        weight = w[f"{name}.weight"]
        return functional.conv2d(x, weight, stride=stride, padding=weight.shape[2] // 2)

    x = norm(conv(x, "stem"), "norm").relu()
    for stage, stride in ((1, 1), (2, 2), (3, 2), (4, 2)):
        for block in (0, 1):
            name = f"stage{stage}.{block}"
            step = stride if block == 0 else 1
            active = norm(x, f"{name}.norm1").relu()
            skip = conv(active, f"{name}.shortcut", step) if f"{name}.shortcut.weight" in w else x
            hidden = norm(conv(active, f"{name}.conv1", step), f"{name}.norm2").relu()
            x = conv(hidden, f"{name}.conv2") + skip
    flat = torch.cat(
        [functional.adaptive_avg_pool2d(x, 1), functional.adaptive_max_pool2d(x, 1)], 1
    ).flatten(1)
    return flat @ w["head.weight"].T + w["head.bias"]


@pytest.mark.parametrize("side", [32, 24, 8, 1])
def test_forward_equals_an_independent_restatement_in_float64(side):
    torch.manual_seed(0)
    network = ResNet18(n_classes=7).double()
    for name, buffer in network.named_buffers():
        if "running" in name:
            buffer.uniform_(0.5, 1.5)
    network.eval()
    images = torch.randn(2, 3, side, side, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(network(images), restated(network.state_dict(), images))


def test_shapes_follow_the_stages():
    network = ResNet18().eval()
    shapes = []
    for stage in (network.stage1, network.stage2, network.stage3, network.stage4):
        stage.register_forward_hook(lambda m, a, out: shapes.append(tuple(out.shape[1:])))
    network(torch.zeros(1, 3, 32, 32))
    assert shapes == [(64, 32, 32), (128, 16, 16), (256, 8, 8), (256, 4, 4)]


@pytest.mark.parametrize("wrong", [{"n_classes": 0}, {"in_channels": 0}])
def test_sizes_that_are_no_sizes_are_refused(wrong):
    with pytest.raises(InputError, match="at least 1"):
        ResNet18(**wrong)
