"""``pitfalls doctor``: what this machine has, what is missing, and what to do about it."""

from typing import TypeAlias

from pitfalls.frame import print_table, run_store, say

Row: TypeAlias = tuple[str, str, str]
"""What was looked at, what was found, and ``ok`` or the remedy."""


def doctor() -> int:
    """Say what this machine has, and what is missing."""
    rows = [*_machine(), *_extras(), _processes(), _run_folders(), _data()]
    print_table("pitfalls doctor", ["what", "found", "verdict"], rows)
    failures = sum(verdict != "ok" for _, _, verdict in rows)
    say("all well" if not failures else f"{failures} to mend")
    return 1 if failures else 0


def _machine() -> list[Row]:
    import torch

    from pitfalls.runs import describe_machine, describe_versions

    machine, flags = describe_machine(), _flags()
    there = torch.cuda.is_available()
    none = "none; everything runs on the processor"
    bf16 = "avx512_bf16" in flags or "amx_bf16" in flags
    return [
        *((package, number, "ok") for package, number in describe_versions().items()),
        ("processor", str(machine["processor"]), "ok"),
        ("cores, memory", f"{machine['cores']}, {machine['memory_gib']} GiB", "ok"),
        ("accelerator", torch.cuda.get_device_name(0) if there else none, "ok"),
        ("bfloat16 in hardware", "yes" if bf16 else "no: float32 is faster here", "ok"),
    ]


def _extras() -> list[Row]:
    import importlib.util

    rows = []
    for module, extra, use in (
        ("distributed", "dask", "sweeps over a Dask cluster"),
        ("ray", "ray", "sweeps over a Ray cluster"),
        ("submitit", "submitit", "sweeps and comparisons under SLURM"),
        ("tensorboard", "tracking", "tracking by TensorBoard, and export to it"),
        ("mlflow", "tracking", "tracking by MLflow, and export to it"),
        ("pyarrow", "parquet", "data sets in parquet files"),
        ("captum", "attribution", "what a network looks at in its mistakes"),
        ("onnxruntime", "onnx", "export of trained networks to ONNX"),
    ):
        there = importlib.util.find_spec(module) is not None
        found = "yes" if there else f"pip install 'pitfalls[{extra}]'"
        rows.append((f"optional: {use}", found, "ok"))
    return rows


def _processes() -> Row:
    import joblib

    none = "no: there is no shared memory, and jobs run one after the other"
    return "several processes", "yes" if joblib.effective_n_jobs(2) > 1 else none, "ok"


def _run_folders() -> Row:
    import os
    import shutil
    import tempfile

    root = run_store().root
    try:
        # the nearest path that exists is where the run folders would be made; a file is no place
        folder = next(p for p in (root, *root.resolve().parents) if os.path.lexists(p))
        with tempfile.NamedTemporaryFile(dir=folder):
            pass
        free = shutil.disk_usage(folder).free / 1e9
    except OSError as error:
        return "run folders", f"{root}: {error.strerror}", "choose another with --runs"
    return "run folders", f"{root} ({free:.0f} GB free)", "ok"


def _data() -> Row:
    import os
    from pathlib import Path

    data = os.environ.get("PITFALLS_DATA")
    if data and data not in ("digits", "cifar10") and not Path(data).expanduser().exists():
        remedy = "set it to a data set, or to the word cifar10 or digits, or unset it"
        return "data", f"PITFALLS_DATA={data} does not exist", remedy
    return "data", data or "PITFALLS_DATA is not set: cache, download, else digits", "ok"


def _flags() -> str:
    from pathlib import Path

    try:
        return Path("/proc/cpuinfo").read_text()
    except OSError:
        return ""
