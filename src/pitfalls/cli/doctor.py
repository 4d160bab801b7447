"""``pitfalls doctor``: what this machine has, what is missing, and what to do about it."""

from pitfalls.frame.session import run_store, say
from pitfalls.frame.tables import print_table


def doctor() -> int:
    """Say what this machine has, and what is missing."""
    import importlib.util
    import os
    import shutil
    import tempfile
    from pathlib import Path

    from pitfalls.runs import describe_machine, describe_versions

    rows: list[tuple[str, str, str]] = []
    for package, number in describe_versions().items():
        rows.append((package, number, "ok"))
    machine = describe_machine()
    rows.append(("processor", str(machine["processor"]), "ok"))
    rows.append(("cores, memory", f"{machine['cores']}, {machine['memory_gib']} GiB", "ok"))

    import torch

    if torch.cuda.is_available():
        rows.append(("accelerator", torch.cuda.get_device_name(0), "ok"))
    else:
        rows.append(("accelerator", "none; everything runs on the processor", "ok"))
    bf16 = "avx512_bf16" in _flags() or "amx_bf16" in _flags()
    rows.append(("bfloat16 in hardware", "yes" if bf16 else "no: float32 is faster here", "ok"))

    for module, extra, use in (
        ("distributed", "dask", "sweeps over a Dask cluster"),
        ("ray", "ray", "sweeps over a Ray cluster"),
        ("tensorboard", "tracking", "export to TensorBoard"),
        ("mlflow", "tracking", "export to MLflow"),
    ):
        there = importlib.util.find_spec(module) is not None
        rows.append(
            (f"optional: {use}", "yes" if there else f"pip install 'pitfalls[{extra}]'", "ok")
        )

    import joblib

    processes = joblib.effective_n_jobs(2) > 1
    none = "no: there is no shared memory, and jobs run one after the other"
    rows.append(("several processes", "yes" if processes else none, "ok"))

    failures = 0
    store = run_store()
    try:
        # the nearest path that exists is where the run folders would be made; a file is no place
        folder = next(p for p in (store.root, *store.root.resolve().parents) if os.path.lexists(p))
        with tempfile.NamedTemporaryFile(dir=folder):
            pass
        free = shutil.disk_usage(folder).free / 1e9
        rows.append(("run folders", f"{store.root} ({free:.0f} GB free)", "ok"))
    except OSError as error:
        failures += 1
        rows.append(
            ("run folders", f"{store.root}: {error.strerror}", "choose another with --runs")
        )

    data = os.environ.get("PITFALLS_DATA")
    if data and data != "digits" and not Path(data).exists():
        failures += 1
        rows.append(
            (
                "data",
                f"PITFALLS_DATA={data} does not exist",
                "set it to CIFAR-10, or to the word digits, or unset it",
            )
        )
    else:
        rows.append(
            ("data", data or "PITFALLS_DATA is not set: cache, download, else digits", "ok")
        )

    print_table("pitfalls doctor", ["what", "found", "verdict"], rows)
    say("all well" if not failures else f"{failures} to mend")
    return 1 if failures else 0


def _flags() -> str:
    from pathlib import Path

    try:
        return Path("/proc/cpuinfo").read_text()
    except OSError:
        return ""
