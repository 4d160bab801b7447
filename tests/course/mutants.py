"""Wrong submissions: each is the solution with one mistake that students make."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """One mistake, the points it costs by part, and words that its reason must hold."""

    name: str
    file: str
    old: str
    new: str
    lost: dict[str, int]
    reason: str


F, P, C = "formulas.py", "pitfalls.py", "cifar10.py"
VARIANCE = "return (d * k + 2 * k + 1) * gradient_bound(w, b, alpha, beta) ** 2"
BOUND = "max(1.0, np.abs(alpha).max(), highest.max())"
HIGHEST = "highest = np.maximum(b + np.maximum(w, 0).sum(axis=1), 0)"
LOSS = "torch.clamp(1 - output.reshape(-1) * labels.reshape(-1), min=0).mean()"

MUTANTS = (
    # 2a
    Mutant("full rank only", F, "layer[:rank, :rank] = np.eye(rank)", "layer[:rank, :rank] = 1", {"2a": 5}, "an entry of the product is off"),
    Mutant("no refusal", F, "raise ValueError(\"the rank of w_0 is above the narrowest width\")", "rank = min(widths)", {"2a": 2}, "no ValueError comes"),
    Mutant("another error", F, "raise ValueError(", "raise RuntimeError(", {"2a": 2}, "no ValueError comes"),
    Mutant("an error that has only the name", F, "raise ValueError(", "raise type('ValueErrorOfMine', (Exception,), {})(", {"2a": 2}, "no ValueError comes"),
    Mutant("a layer too many", F, "    return layers\n", "    return [*layers, np.eye(widths[-1])]\n", {"2a": 6}, "layers where"),
    Mutant("refusing everything", F, "    u, s, vt = np", "    raise ValueError\n    u, s, vt = np", {"2a": 8}, "where there are such layers"),
    # 2b
    Mutant("no half", F, "0.5 * np.sum(", "np.sum(", {"2b": 4, "2d-risk": 5}, "leaving out the ½"),
    Mutant("mean for sum", F, "return 0.5 * np.sum((x", "return 0.5 / len(x) * np.sum((x", {"2b": 4, "2d-risk": 5}, "a mean over the samples"),
    Mutant("transposed order", F, "        result = w @ result\n", "        result = result @ w\n", {"2b": 4, "2d": 5, "2e": 7}, "raises ValueError"),
    # 2c
    Mutant("sign of the gradient", F, "return (w @ x.T - y.T) @ x", "return (y.T - w @ x.T) @ x", {"2c": 4, "2e": 6}, "the other sign gives just that"),
    Mutant("factor two", F, "return (w @ x.T - y.T) @ x", "return 2 * (w @ x.T - y.T) @ x", {"2c": 4, "2e": 6}, "leaving out the ½ of Q gives just that"),
    Mutant("E alone", F, "return (w @ x.T - y.T) @ x", "return w @ x.T - y.T", {"2c": 5, "2e": 7}, "returns shape"),
    # 2d
    Mutant("normal equations inverted", F, "np.linalg.lstsq(x, y, rcond=None)[0].T", "(np.linalg.inv(x.T @ x) @ x.T @ y).T", {"2d-risk": 2}, "last column repeats its first"),
    Mutant("minimum is zero", F, "    return risk([best], x, y)\n", "    return 0.0\n", {"2d-risk": 5}, "always zero gives just that"),
    Mutant("critical is enough", F, "    slope = np.abs(w @ (x.T @ x) - y.T @ x).max()\n", "    slope = max(np.abs(g).max() for g in layer_gradients(weights, x, y))\n", {"2d": 3}, "all weights zero"),
    Mutant("unique minimum only", F, "    slope = np.abs(w @ (x.T @ x) - y.T @ x).max()\n", "    slope = np.abs(w - np.linalg.lstsq(x, y, rcond=None)[0].T).max()\n", {"2d": 1}, "another minimum"),
    # 2e
    Mutant("order of the layers", F, "    return gradients\n", "    return gradients[::-1]\n", {"2e": 7}, "returns shape"),
    Mutant("no transpose above", F, "above.T @ error", "above @ error", {"2e": 7}, "layer_gradients"),
    Mutant("layers below forgotten", F, "@ error @ below.T", "@ error @ np.eye(x.shape[1])[:, : below.T.shape[1]]", {"2e": 7}, "returns shape"),
    Mutant("the minimum itself", F, "    return [np.zeros((after, before)) for before, after in zip(widths, widths[1:])]\n", "    return factorize(np.linalg.lstsq(x, y, rcond=None)[0].T, widths)\n", {"2e-point": 2}, "the global minimum itself"),
    Mutant("not critical", F, "    return [np.zeros((after, before)) for before, after in zip(widths, widths[1:])]\n", "    return [np.ones((after, before)) for before, after in zip(widths, widths[1:])]\n", {"2e-point": 2}, "not zero"),
    # 2f
    Mutant("always", F, "    return all(np.linalg.matrix_rank(w) == len(w) for w in weights)\n", "    return True\n", {"2f": 3}, "all weights zero"),
    Mutant("never", F, "    return all(np.linalg.matrix_rank(w) == len(w) for w in weights)\n", "    return False\n", {"2f": 3}, "random square weights"),
    Mutant("one layer of full rank, none zero", F, "all(np.linalg.matrix_rank(w) == len(w) for w in weights)", "any(np.linalg.matrix_rank(w) == len(w) for w in weights) and all(w.any() for w in weights)", {"2f": 3}, "a saddle that fits one mode, with W_1 = I"),
    Mutant("the first layer of full rank, the product not zero", F, "all(np.linalg.matrix_rank(w) == len(w) for w in weights)", "np.linalg.matrix_rank(weights[0]) == len(weights[0]) and bool(product(weights).any())", {"2f": 3}, "with W_1 = I"),
    Mutant("determinant against a number", F, "np.linalg.matrix_rank(w) == len(w) for w", "abs(np.linalg.det(w)) > 1e-4 for w", {"2f": 1}, "W_1 = Q/1000"),
    # 3a
    Mutant("no output bias", P, "nn.Linear(k, 1)", "nn.Linear(k, 1, bias=False)", {"3a-network": 4, "3a": 9}, "parameters of shapes"),
    Mutant("no relu", P, "torch.relu(self.hidden(x))", "self.hidden(x)", {"3a-network": 3, "3a": 9}, "leaving out the ReLU gives just that"),
    Mutant("tanh at the output", P, "return self.output(torch.relu(self.hidden(x)))", "return torch.tanh(self.output(torch.relu(self.hidden(x))))", {"3a-network": 3, "3a": 9}, "a tanh on the output gives just that"),
    Mutant("as printed", P, "network.hidden.weight[unit] = mask.float()", "network.hidden.weight[unit] = mask.float() * (unit < 3 * d // 2)", {"3a": 2}, "the construction as printed fails at just this input"),
    Mutant("one group short", P, "for i in range(d // 2 + 1):", "for i in range(d // 2):", {"3a": 2}, "v = 1111, x = 1111"),
    Mutant("one bias wrong", P, "(-0.5, 4.0)", "(-0.25, 4.0)", {"3a": 9}, "masks fail"),
    # 3b
    Mutant("B x B", P, LOSS, "torch.clamp(1 - output * labels, min=0).mean()", {"3b": 8}, "broadcasting (B, 1) against (B,) to a table (B, B) gives just that"),
    Mutant("sum", P, LOSS, LOSS.replace("mean()", "sum()"), {"3b": 7}, "the sum over the batch"),
    Mutant("no clamp", P, LOSS, "(1 - output.reshape(-1) * labels.reshape(-1)).mean()", {"3b": 7}, "leaving out the clamp"),
    Mutant("wrong sign", P, LOSS, LOSS.replace("1 - output", "1 + output"), {"3b": 9}, "the wrong sign"),
    Mutant("numpy in the graph", P, LOSS, "torch.tensor(__import__('numpy').maximum(0, 1 - output.detach().numpy().ravel() * labels.numpy()).mean())", {"3b": 4}, "does not hang on the outputs"),
    Mutant("labels 0 and 1", P, LOSS, LOSS.replace("labels.reshape(-1)", "(labels.reshape(-1) > 0)"), {"3b": 8}, "labels taken as 0 and 1"),
    Mutant("clamp after the mean", P, LOSS, "torch.clamp((1 - output.reshape(-1) * labels.reshape(-1)).mean(), min=0)", {"3b": 6}, "the clamp after the mean"),
    Mutant("no mean at all", P, LOSS, LOSS.removesuffix(".mean()"), {"3b": 11}, "returns shape"),
    # 3c
    Mutant("w without alpha", F, "np.outer(active, x)", "np.outer(z > 0, x)", {"3c-i": 2, "3c-ii": 5}, "finite differences give"),
    Mutant("bound without alpha", F, BOUND, "max(1.0, highest.max())", {"3c-i-bound": 3, "3c-iv": 3}, "the bound is"),
    Mutant("bound of infinity", F, BOUND, "float('inf')", {"3c-i-bound": 4, "3c-iv": 5}, "not finite"),
    Mutant("a with the other sign", F, "a = -np.mean(((above - below) / 2)", "a = np.mean(((above - below) / 2)", {"3c-ii": 5}, "the other sign gives just that"),
    Mutant("g halved", F, "return a, -((above + below) / 2)", "return a, -((above + below) / 4)", {"3c-ii": 3}, "entry"),
    Mutant("correlation of overlap", F, "1.0 if np.array_equal(u, v) else 0.0", "1.0 if (u * v).any() else 0.0", {"3c-iii": 3}, "where 0 is due"),
    Mutant("bound without c_p", F, VARIANCE, "return 0.01 * (d + k)", {"3c-iv": 3}, "2^d E|∇R - a|²"),
    Mutant("exponential bound", F, VARIANCE, "return 1e12 * 2.0**d", {"3c-iv": 2}, "is enough"),
    Mutant("variance without the number of parameters", F, VARIANCE, "return gradient_bound(w, b, alpha, beta) ** 2", {"3c-iv": 3}, "which of d, k, w, b, α, β does it forget?"),
    Mutant("the same with a sum in the bound", F, VARIANCE, "return (1 + np.abs(alpha).max() + (np.abs(w).sum(1) + np.abs(b)).max()) ** 2", {"3c-iv": 3}, "many small α"),
    Mutant("variance with the features alone", F, VARIANCE, "return d * gradient_bound(w, b, alpha, beta) ** 2", {"3c-iv": 3}, "which of d, k, w, b, α, β does it forget?"),
    Mutant("variance with the units alone", F, VARIANCE, "return k * gradient_bound(w, b, alpha, beta) ** 2", {"3c-iv": 3}, "which of d, k, w, b, α, β does it forget?"),
    Mutant("variance with the units alone, a sum in the bound", F, VARIANCE, "return k * (1 + np.abs(alpha).max() + (np.abs(w).sum(1) + np.abs(b)).max()) ** 2", {"3c-iv": 3}, "many features, α large"),
    Mutant("variance with features plus units", F, VARIANCE, "return (d + k) * gradient_bound(w, b, alpha, beta) ** 2", {"3c-iv": 3}, "which of d, k, w, b, α, β does it forget?"),
    Mutant("variance with the weights alone", F, VARIANCE, "return d * k * gradient_bound(w, b, alpha, beta) ** 2", {"3c-iv": 3}, "all entries 1 or 0"),
    Mutant("variance without the square", F, VARIANCE, "return (d * k + 2 * k + 1) * gradient_bound(w, b, alpha, beta)", {"3c-iv": 3}, "which of d, k, w, b, α, β does it forget?"),
    Mutant("divided by 2^d once more", F, VARIANCE, "return (d * k + 2 * k + 1) * gradient_bound(w, b, alpha, beta) ** 2 / 2**d", {"3c-iv": 3}, "which of d, k, w, b, α, β does it forget?"),
    Mutant("a sum over the inputs for their mean", F, VARIANCE, "return 2**d * (d * k + 2 * k + 1) * gradient_bound(w, b, alpha, beta) ** 2", {"3c-iv": 2}, "is enough"),
    Mutant("bound without the 1 of beta", F, BOUND, "max(np.abs(alpha).max(), highest.max())", {"3c-i-bound": 3, "3c-iv": 3}, "no unit ever active"),
    Mutant("bound by the mean of alpha", F, BOUND, "max(1.0, np.abs(alpha).mean(), highest.max())", {"3c-i-bound": 3, "3c-iv": 3}, "the bound is"),
    Mutant("bound by alpha without its sign", F, BOUND, "max(1.0, alpha.max(), highest.max())", {"3c-i-bound": 3, "3c-iv": 3}, "α negative"),
    Mutant("bound by the mean of the units", F, BOUND, "max(1.0, np.abs(alpha).max(), highest.mean())", {"3c-i-bound": 3, "3c-iv": 3}, "one large b in many"),
    Mutant("bound without the biases", F, HIGHEST, "highest = np.maximum(w, 0).sum(axis=1)", {"3c-i-bound": 3, "3c-iv": 3}, "the bound is"),
    Mutant("bound without w", F, HIGHEST, "highest = np.abs(b)", {"3c-i-bound": 3, "3c-iv": 3}, "the bound is"),
    Mutant("bound by a row's largest weight", F, HIGHEST, "highest = np.abs(b) + np.abs(w).max(axis=1)", {"3c-i-bound": 3, "3c-iv": 3}, "w large, all positive"),
    Mutant("bound by a row's sum with signs", F, HIGHEST, "highest = np.abs(b) + np.abs(w.sum(axis=1))", {"3c-i-bound": 3, "3c-iv": 3}, "w large, of both signs"),
    # 3d
    Mutant("slope of one", F, "np.linalg.norm(w, 2) / 4 for w", "np.linalg.norm(w, 2) for w", {"3d": 1}, "what is the largest slope of a sigmoid?"),
    Mutant("slope of a tenth", F, "np.linalg.norm(w, 2) / 4 for w", "np.linalg.norm(w, 2) / 10 for w", {"3d": 2}, "above your factor"),
    Mutant("one layer's quarter alone", F, "np.prod([np.linalg.norm(w, 2) / 4 for w in weights])", "np.prod([np.linalg.norm(w, 2) for w in weights]) / 4", {"3d": 1}, "is enough"),
    Mutant("two quarters whatever the depth", F, "np.prod([np.linalg.norm(w, 2) / 4 for w in weights])", "np.prod([np.linalg.norm(w, 2) for w in weights]) / 16", {"3d": 3}, "is enough"),
    Mutant("the norm of the product", F, "np.prod([np.linalg.norm(w, 2) / 4 for w in weights])", "np.linalg.norm(product(weights), 2) / 4 ** len(weights)", {"3d": 2}, "above your factor"),
    Mutant("the largest entry", F, "np.linalg.norm(w, 2) / 4", "np.abs(w).max() / 4", {"3d": 2}, "z = 0 the message to the first layer"),
    # 4
    Mutant("no second stride", C, "((64, 1), (128, 2), (256, 2), (256, 2)):\n        height", "((64, 1), (128, 2), (256, 2), (256, 1)):\n        height", {"4c": 3}, "after block 7 it says (256, 8, 8) where (256, 4, 4) is due"),
    Mutant("rounded down", C, "(height - 1) // stride + 1", "height // stride", {"4c": 1}, "is due"),
    Mutant("blocks forgotten", C, "        shapes += [(after, height, width), (after, height, width)]\n", "        shapes += [(after, height, width)]\n", {"4c": 3}, "7 shapes come where 11 are due"),
    Mutant("as ResNet18 is elsewhere", C, "(256, 2), (256, 2)):\n        height", "(256, 2), (512, 2)):\n        height", {"4c": 3}, "it says (512, 4, 4)"),
    Mutant("centre crop", C, "transforms.RandomCrop(32, padding=4)", "(lambda image: image)", {"4d": 3}, "where is the random crop"),
    Mutant("crop without padding", C, "RandomCrop(32, padding=4)", "RandomCrop(32)", {"4d": 3}, "where is the random crop"),
    Mutant("padding of 8", C, "padding=4", "padding=8", {"4d": 3}, "the padding is 4"),
    Mutant("no flip", C, "        transforms.RandomHorizontalFlip(),\n", "", {"4d": 2}, "0 of 300 pictures are mirrored"),
    Mutant("rarely flipped", C, "RandomHorizontalFlip()", "RandomHorizontalFlip(0.1)", {"4d": 2}, "where about half is due"),
    Mutant("crop of 28", C, "RandomCrop(32, padding=4)", "RandomCrop(28)", {"4d": 7}, "returns shape"),
    Mutant("not normalised", C, "transforms.ToTensor(),\n        transforms.Normalize(MEAN, STD),", "transforms.ToTensor(),", {"4d": 1}, "Normalize"),
    Mutant("constant that decays", C, "    return rate\n", "    return rate / (1 + epoch)\n", {"4e-constant": 3}, "a decay with the epoch gives just that"),
    Mutant("constant is the previous", C, "    return rate\n", "    return previous\n", {"4e-constant": 3}, "returning the previous rate gives just that"),
    Mutant("annealed by epoch", C, "return previous * factor", "return previous * factor**epoch", {"4e-annealed": 3}, "the factor to the power of the epoch"),
    Mutant("annealed from the start", C, "return previous * factor", "return 0.01 * factor", {"4e-annealed": 3}, "in place of the previous one"),
    Mutant("factor ignored", C, "return previous * factor", "return previous * 0.99", {"4e-annealed": 1}, "is due"),
)  # fmt: skip
