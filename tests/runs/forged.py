"""Run folders as other code might have written them: changed, and recorded as if meant."""

import hashlib

from pitfalls.runs import Run


def rewrite(run: Run, name: str, data: bytes) -> None:
    """Change a file of a finished run and record the change in its manifest."""
    (run.path / name).write_bytes(data)
    run.manifest.files[name] = [len(data), hashlib.sha256(data).hexdigest()]
    rewrite_manifest(run)


def rewrite_manifest(run: Run, **changes: object) -> None:
    """Change fields of a finished run's manifest, its checksum with them."""
    for name, value in changes.items():
        setattr(run.manifest, name, value)
    (run.path / "manifest.json").write_bytes(run.manifest.to_bytes())
