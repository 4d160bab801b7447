"""What a call into torch is to a reader of a diagram, and how to write it."""

from typing import Any, Literal

from torch import Tensor

__all__ = ["WRITE", "Kind", "label_operation"]

Kind = Literal[
    "input", "conv", "linear", "norm", "activation", "pool", "sum", "concat", "reshape", "other"
]

ACTIVATIONS = {
    "relu": "ReLU", "relu_": "ReLU", "relu6": "ReLU6", "gelu": "GELU", "silu": "SiLU",
    "elu": "ELU", "selu": "SELU", "celu": "CELU", "leaky_relu": "leaky ReLU", "prelu": "PReLU",
    "mish": "Mish", "hardswish": "hard swish", "hardtanh": "hard tanh", "hardsigmoid":
    "hard sigmoid", "sigmoid": "sigmoid", "tanh": "tanh", "softplus": "softplus", "softmax":
    "softmax", "log_softmax": "log softmax", "dropout": "dropout", "dropout2d": "dropout",
}  # fmt: skip
NORMS = {
    "batch_norm": "BN", "layer_norm": "LN", "group_norm": "GN", "instance_norm": "IN",
    "rms_norm": "RMS norm", "local_response_norm": "LRN",
}  # fmt: skip
SUMS = {"add": "+", "add_": "+", "__add__": "+", "__iadd__": "+", "__radd__": "+",
        "mul": "×", "mul_": "×", "__mul__": "×", "__imul__": "×", "__rmul__": "×",
        "sub": "−", "__sub__": "−", "maximum": "max", "minimum": "min"}  # fmt: skip
PRODUCTS = {"matmul", "mm", "bmm", "addmm", "__matmul__", "__rmatmul__", "einsum", "tensordot"}
RECURRENT = {
    "lstm": "LSTM", "gru": "GRU", "rnn_tanh": "RNN", "rnn_relu": "RNN", "lstm_cell": "LSTM cell",
    "gru_cell": "GRU cell", "rnn_tanh_cell": "RNN cell", "rnn_relu_cell": "RNN cell",
}  # fmt: skip
WRITE = "write"  # of an in-place write to a part
RESHAPES = {"flatten", "view", "reshape", "squeeze", "unsqueeze", "permute", "transpose"}


def label_operation(
    name: str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    n_inputs: int,
    made: Tensor,
    *,
    learned: bool = False,
) -> tuple[Kind, str]:
    """Return what a call is and how to write it; ``learned``: whether parameters take part."""

    def given(position: int, key: str, default: Any) -> Any:
        return kwargs.get(key, args[position] if len(args) > position else default)

    if name == "__setitem__":
        return "concat" if n_inputs > 1 else "reshape", WRITE
    if name.startswith("conv"):
        size = "×".join(str(n) for n in given(1, "weight", made).shape[2:])
        stride = _pair(given(3, "stride", 1))
        groups = given(6, "groups", 1)
        step = "" if set(stride) == {1} else f" /{'×'.join(map(str, dict.fromkeys(stride)))}"
        split = f" ({groups} groups)" if groups > 1 else ""
        return "conv", f"conv {size}, {made.shape[1]}{step}{split}"
    if name == "linear":
        weight = given(1, "weight", made)
        return "linear", f"linear {weight.shape[1]} → {weight.shape[0]}"
    if name in NORMS:
        return "norm", NORMS[name]
    if name in ACTIVATIONS:
        return "activation", ACTIVATIONS[name]
    if name in SUMS:
        if n_inputs > 1:
            return "sum", SUMS[name]
        word = {"×": "scale", "+": "shift", "−": "shift"}.get(SUMS[name])
        if learned and word:
            return "activation", f"learned {word}"
        return "activation", f"{SUMS[name]} constant"
    if name in ("div", "__truediv__", "div_") and n_inputs == 1:
        return "activation", "learned scale" if learned else "÷ constant"
    if name in PRODUCTS and n_inputs == 1 and learned:
        return "linear", f"linear → {made.shape[-1]}"
    if name == "embedding":
        rows, columns = given(1, "weight", made).shape
        return "linear", f"embedding {rows} → {columns}"
    if name in RECURRENT:
        return "linear", f"{RECURRENT[name]} → {made.shape[-1]}"
    if "attention" in name:
        return "linear", "attention"
    if name in ("cat", "concat", "stack"):
        return "concat", "concatenate"
    if "pool" in name:
        return "pool", _pooling(name, given(1, "kernel_size", "?"), made)
    if name in ("mean", "amax", "max", "sum") and made.ndim >= 1:
        word = {"mean": "average", "sum": "sum"}.get(name, "maximum")
        return "pool", f"global {word}" if made.ndim == 2 else word
    if name in RESHAPES:
        return "reshape", "flatten" if made.ndim == 2 else name
    return "other", name.strip("_")


def _pooling(name: str, window: Any, made: Tensor) -> str:
    side = "average" if "avg" in name else "maximum"
    if name.startswith("adaptive"):
        return f"{side} pool → {'×'.join(map(str, made.shape[2:]))}"
    return f"{side} pool {'×'.join(map(str, _pair(window)))}"


def _pair(value: Any) -> tuple[Any, ...]:
    if isinstance(value, int | str):
        return (value, value)
    return tuple(value) * (2 if len(value) == 1 else 1)
