"""Right submissions in other styles: each must get every point."""

F, P, C = "formulas.py", "pitfalls.py", "cifar10.py"
LOSS = "    return torch.clamp(1 - output.reshape(-1) * labels.reshape(-1), min=0).mean()\n"
NETWORK = """        self.hidden = nn.Linear(d, k)
        self.output = nn.Linear(k, 1)
"""
FORWARD = "        return self.output(torch.relu(self.hidden(x)))\n"
SETTING = "network.hidden.weight[unit] = mask.float()"

VARIANTS = {
    "units counted from one, one left idle": (P, {"unit = 3 * i + j\n": "unit = 3 * i + j + 1\n"}),
    "a sequential network": (P, {
        NETWORK: "        self.net = nn.Sequential(nn.Linear(d, k), nn.ReLU(), nn.Linear(k, 1))\n",
        FORWARD: "        return self.net(x)\n",
        "network.hidden": "network.net[0]", "network.output": "network.net[2]",
    }),
    "bare parameters, the output's first, a flat output": (P, {
        NETWORK: "        self.beta = nn.Parameter(torch.zeros(1))\n"
        "        self.alpha = nn.Parameter(torch.randn(k))\n"
        "        self.w = nn.Parameter(torch.randn(d, k))\n        self.b = nn.Parameter(torch.randn(k))\n",
        FORWARD: "        return (x @ self.w + self.b).clamp(min=0) @ self.alpha + self.beta\n",
        SETTING: "network.w[:, unit] = mask.float()", "network.hidden.bias": "network.b",
        "network.output.weight[0, unit]": "network.alpha[unit]", "network.output.bias": "network.beta",
    }),
    "another exact construction, one unit a count": (P, {
        "    for i in range(d // 2 + 1):\n        for j, (shift, slope) in enumerate(((0.5, 4.0), (0.0, -8.0), (-0.5, 4.0))):\n"
        "            unit = 3 * i + j\n            network.hidden.weight[unit] = mask.float()\n"
        "            network.hidden.bias[unit] = -(2 * i - shift)\n            network.output.weight[0, unit] = slope\n"
        "    network.output.bias[0] = -1.0\n":
        "    for j in range(d):\n        network.hidden.weight[j] = mask.float()\n        network.hidden.bias[j] = -j\n"
        "        network.output.weight[0, j] = -2.0 if j == 0 else 4.0 * (-1) ** (j + 1)\n    network.output.bias[0] = 1.0\n",
    }),
    "a mask of whole numbers, whose ones are counted": (P, {
        "    for i in range(d // 2 + 1):\n        for j, (shift, slope) in enumerate(((0.5, 4.0), (0.0, -8.0), (-0.5, 4.0))):\n"
        "            unit = 3 * i + j\n            network.hidden.weight[unit] = mask.float()\n"
        "            network.hidden.bias[unit] = -(2 * i - shift)\n            network.output.weight[0, unit] = slope\n"
        "    network.output.bias[0] = -1.0\n":
        "    for j in range(mask.sum().item()):\n        network.hidden.weight[j] = mask & 1\n        network.hidden.bias[j] = -j\n"
        "        network.output.weight[0, j] = -2.0 if j == 0 else 4.0 * (-1) ** (j + 1)\n    network.output.bias[0] = 1.0\n",
    }),
    "nothing but arguments as the script itself makes them": (P, {
        "def set_weights(network, mask):\n": "def set_weights(network, mask):\n    assert (mask.dtype, mask.shape) == (MASK.dtype, MASK.shape)\n",
        FORWARD: "        assert x.dtype == draw_batch(MASK, 1)[0].dtype and not x.requires_grad\n" + FORWARD,
        LOSS: "    assert labels.dtype == draw_batch(MASK, 1)[1].dtype and not labels.requires_grad\n"
        "    assert output.dtype == torch.float32 and not output.is_leaf\n" + LOSS,
    }),
    "the loss in place": (P, {
        LOSS: "    margins = output.squeeze(1)\n    margins *= labels\n    return margins.neg_().add_(1).clamp_(min=0).mean()\n",
    }),
    "the loss by relu, labels made a column": (P, {LOSS: "    return torch.relu(1 - labels.unsqueeze(1) * output).mean()\n"}),
    "the loss by maximum with zero, by hand": (P, {
        LOSS: "    margins = labels * output[:, 0]\n    return torch.max(torch.zeros_like(margins), 1 - margins).sum() / len(margins)\n",
    }),
    "the loss as a loop": (P, {
        LOSS: "    total = 0.0\n    for f, y in zip(output, labels):\n        slack = 1 - f[0] * y\n"
        "        if slack > 0:\n            total = total + slack\n    return total / len(labels) + 0 * output.sum()\n",
    }),
    "formulas by loops, traces and einsum": (F, {
        "    return 0.5 * np.sum((x @ product(weights).T - y) ** 2)\n":
        "    total = 0.0\n    for row, due in zip(x, y):\n        for w in weights:\n            row = w @ row\n"
        "        total += np.linalg.norm(row - due) ** 2\n    return total / 2\n",
        "    return (w @ x.T - y.T) @ x\n": "    return np.einsum('pd,nd,ne->pe', w, x, x) - np.einsum('np,nd->pd', y, x)\n",
        "    best = np.linalg.lstsq(x, y, rcond=None)[0].T\n    return risk([best], x, y)\n":
        "    return 0.5 * (np.trace(y.T @ y) - np.trace(y.T @ x @ np.linalg.pinv(x) @ y))\n",
        "    return bool(slope <= 1e-8 * np.abs(y.T @ x).max())\n": "    return slope <= 1e-8 * np.abs(y.T @ x).max()\n",
    }),
    "nothing but widths, layers, inputs and masks as the script itself makes them": (F, {
        "    u, s, vt = np": "    assert type(widths) is type(WIDTHS) and type(widths[0]) is int\n    u, s, vt = np",
        "    return 0.5 * np.sum((x @": "    assert type(weights) is list and {a.dtype for a in (*weights, x, y)} == {np.dtype(float)}\n    return 0.5 * np.sum((x @",
        "    return [np.zeros((after": "    assert type(widths) is type(WIDTHS)\n    return [np.zeros((after",
        "    active = ": "    assert x.dtype == inputs(1).dtype and type(beta) is float\n    active = ",
        "    return 1.0 if np.array_equal(u, v)": "    assert u.dtype == v.dtype == inputs(1).dtype\n    return 1.0 if np.array_equal(u, v)",
    }),
    "a refusal by numpy's own ValueError": (F, {"raise ValueError(": "raise np.linalg.LinAlgError("}),
    "a refusal by a ValueError of one's own": (F, {
        "def factorize": "class NoSuchLayersError(ValueError):\n    pass\n\n\ndef factorize", "raise ValueError(": "raise NoSuchLayersError(",
    }),
    "layer gradients by torch's autograd": (F, {
        "    error = risk_gradient(product(weights), x, y)\n":
        "    import torch\n    leaves = [torch.tensor(w, requires_grad=True) for w in weights]\n"
        "    f = torch.tensor(x).T\n    for w in leaves:\n        f = w @ f\n"
        "    return list(torch.autograd.grad(((f - torch.tensor(y).T) ** 2).sum() / 2, leaves))\n",
    }),
    "another critical point, another condition, other bounds": (F, {
        "    return [np.zeros((after, before)) for before, after in zip(widths, widths[1:])]\n":
        "    layers = [np.zeros((after, before)) for before, after in zip(widths, widths[1:])]\n"
        "    if len(layers) > 2:\n        layers[0] += 1.0\n    return layers\n",
        "all(np.linalg.matrix_rank(w) == len(w) for w in weights)": "bool(min(np.linalg.svd(w)[1].min() for w in weights) > 1e-9)",
        "max(1.0, np.abs(alpha).max(), highest.max())": "1 + np.abs(alpha).max() + np.abs(w).sum(1).max() + np.abs(b).max()",
        "(d * k + 2 * k + 1) * gradient_bound(w, b, alpha, beta) ** 2":
        "1 + np.sum(alpha**2) * (d + 1) + np.sum((np.abs(b) + np.abs(w).sum(1)) ** 2)",
        "1.0 if np.array_equal(u, v) else 0.0": "float(np.mean((-1.0) ** (inputs(len(u)) @ (u + v))))",
    }),
    "balanced factors, gradients as lists": (F, {
        "    layers[0][:rank] = s[:rank, None] * vt[:rank]\n": "    layers[0][:rank] = np.sqrt(s[:rank, None]) * vt[:rank]\n",
        "    layers[-1][:, :rank] = u[:, :rank]\n": "    layers[-1][:, :rank] = u[:, :rank] * np.sqrt(s[:rank])\n",
        "return np.concatenate([np.outer(active, x).ravel(), active, np.maximum(z, 0), [1.0]])":
        "return [a * c for a in active for c in x] + list(active) + [max(0.0, t) for t in z] + [1]",
    }),
    "the factor by singular values, or by all entries": (F, {
        "np.linalg.norm(w, 2) / 4 for w": "max(np.linalg.svd(w)[1].max(), np.linalg.norm(w)) / 4 for w",
    }),
    "the factor by sums of singular values": (F, {
        "np.linalg.norm(w, 2) / 4 for w": "np.linalg.norm(w, 'nuc') / 4 for w",
    }),
    "the factor by the largest entries": (F, {
        "np.linalg.norm(w, 2) / 4 for w": "np.sqrt(w.size) * np.abs(w).max() / 4 for w",
    }),
    "bounds that try every input": (F, {
        "    highest = np.maximum(b + np.maximum(w, 0).sum(axis=1), 0)\n    return max(1.0, np.abs(alpha).max(), highest.max())\n":
        "    return max(np.abs(network_gradient(w, b, alpha, beta, x)).max() for x in inputs(w.shape[1]))\n",
        "(d * k + 2 * k + 1) * gradient_bound(w, b, alpha, beta) ** 2":
        "np.mean([np.sum(network_gradient(w, b, alpha, beta, x) ** 2) for x in inputs(d)])",
    }),
    "bounds by sums over all units": (F, {
        "max(1.0, np.abs(alpha).max(), highest.max())": "1 + np.abs(alpha).sum() + np.abs(w).sum() + np.abs(b).sum()",
    }),
    "the dimensions read off the network itself": (C, {
        "    shapes = [(64, height, width)]\n":
        "    with torch.no_grad():\n        z, shapes = torch.zeros(1, 3, height, width), []\n        network = ResNet18().eval()\n"
        "        for layer in network.body:\n            z = layer(z)\n            shapes.append(z.shape[1:])\n"
        "    return [shapes[2], *shapes[3:], [512], 10]\n    shapes = [(64, height, width)]\n",
    }),
    "mirrored before the crop": (C, {
        "        transforms.RandomCrop(32, padding=4),\n        transforms.RandomHorizontalFlip(),\n":
        "        transforms.RandomHorizontalFlip(p=0.5),\n        transforms.RandomCrop((32, 32), padding=4),\n",
    }),
    "padded, then cropped": (C, {"RandomCrop(32, padding=4)": "Pad(4), transforms.RandomCrop(32)"}),
    "cropped by functions, mirrored by RandomApply": (C, {
        "from torchvision import transforms\n": "from torchvision import transforms\nfrom torchvision.transforms import functional\n\n\n"
        "def cut(image):\n    image = functional.pad(image, [4, 4, 4, 4])\n"
        "    return functional.crop(image, *transforms.RandomCrop.get_params(image, (32, 32)))\n",
        "transforms.RandomCrop(32, padding=4)": "transforms.Lambda(cut)",
        "transforms.RandomHorizontalFlip()": "transforms.RandomApply([functional.hflip], p=0.5)",
    }),
    "by torchvision's second version": (C, {
        "from torchvision import transforms\n": "import torchvision\nfrom torchvision.transforms import v2 as transforms\n\nprint(torchvision.__version__)\n",
        "RandomCrop(32, padding=4)": "RandomCrop(size=(32, 32), padding=[4, 4], fill=0, padding_mode='constant')",
        "        transforms.ToTensor(),\n": "        transforms.ToImage(),\n        transforms.ToDtype(torch.float32, scale=True),\n",
        "Normalize(MEAN, STD)": "Normalize(mean=list(MEAN), std=list(STD), inplace=True)",
    }),
    "tensors first, resized and cut to what they are": (C, {
        "        transforms.RandomCrop(32, padding=4),\n        transforms.RandomHorizontalFlip(),\n        transforms.ToTensor(),\n":
        "        transforms.Resize(32),\n        transforms.ToTensor(),\n        transforms.Pad((4, 4)),\n        transforms.CenterCrop(40),\n"
        "        transforms.RandomCrop(32),\n        transforms.RandomChoice([transforms.RandomHorizontalFlip(1), transforms.RandomHorizontalFlip(0)]),\n",
    }),
    "a transform of one's own": (C, {
        "transform_val =": "def transform_train(image):\n    array = np.pad(np.array(image), ((4, 4), (4, 4), (0, 0)))\n"
        "    i, j = np.random.randint(0, 9, 2)\n    array = array[i : i + 32, j : j + 32]\n"
        "    array = array[:, ::-1] if np.random.rand() < 0.5 else array\n"
        "    return torch.tensor((array / 255 - MEAN) / STD).permute(2, 0, 1).float()\n\n\ntransform_val =",
    }),
    "rates as lambdas": (C, {
        "def special_rate": "constant_rate = lambda *at, rate=0.001: at[4] if len(at) > 4 else rate\n"
        "annealed_rate = lambda old, e, b, n, factor=0.99: np.float64(old) * factor\n\n\ndef special_rate",
    }),
}  # fmt: skip
"""Name: the file and what is changed in it."""
