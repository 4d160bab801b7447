"""Machines on which little may be written and little is there: the commands work, or say what is missing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pitfalls import caches
from tests.conftest import REPOSITORY

STRANGER = """
set -e
base=$1 venv=$2 repository=$3 work=$4 top=/${1#/}; top=/$(echo "$top" | cut -d/ -f2); shift 4
if [ "$base" != "$top" ] && ! setpriv --reuid=65534 --clear-groups --bounding-set=-all test -x "$top"; then
  mkdir -p /run/pitfalls-base && mount --bind "$base" /run/pitfalls-base
  mount -t tmpfs -o mode=755 none "$top" && mkdir -p "$base" && mount --bind /run/pitfalls-base "$base"
fi
for folder in "$venv" "$repository"; do
  mount --bind "$folder" "$folder" && mount -o remount,bind,ro "$folder"
done
mount -t tmpfs -o mode=000,ro none /dev/shm
cd "$work"
exec setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all --bounding-set=-all \\
  env -i PATH=/usr/bin:/bin HOME=/nonexistent PYTHONPATH="$repository/src" "$@"
"""
"""Another user without a home, code that may only be read, no shared memory."""


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    if not (os.name == "posix" and os.geteuid() == 0 and shutil.which("setpriv")):
        pytest.skip("needs root, unshare and setpriv to become another user")
    # the folder of all temporary folders is the tester's alone
    work = Path(subprocess.check_output(["mktemp", "-d", "/tmp/a b ä.XXXXXX"], text=True).strip())
    work.chmod(0o777)

    def start(*words, code=0):
        done = subprocess.run(
            [
                *("unshare", "-m", "sh", "-c", STRANGER, "sh"),
                *(sys.base_prefix, sys.prefix, str(REPOSITORY), str(work)),
                *(f"{sys.prefix}/bin/python", "-m", "pitfalls", *words),
            ],
            capture_output=True,
            text=True,
        )
        if "Operation not permitted" in done.stderr or "cannot" in done.stderr.split("\n")[0]:
            pytest.skip(f"may not change mounts here: {done.stderr.splitlines()[0]}")
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        assert "unexpected" not in done.stderr
        return done.stdout

    yield start
    shutil.rmtree(work)
    shutil.rmtree("/tmp/pitfalls-65534", ignore_errors=True)


def test_another_user_with_nothing_but_a_working_folder_runs_the_commands(stranger):
    assert "no: there is no shared memory" in stranger("doctor")
    stranger(
        *("parity", "sweep", "-d", "3", "--weights", "2", "--n-seeds", "1"),
        *("--n-iterations", "60", "--n-jobs", "2"),
    )
    assert "1 run in runs: everything is as it was written" in stranger("runs", "check")


@pytest.mark.parametrize(
    "line",
    [
        *("--help", "parity sweep --help", "doctor", "runs list", "runs check"),
        *("linear tour --depths 2", "images regress --data digits"),
    ],
)
def test_a_poor_narrow_terminal_in_plain_c_gets_every_command(line, tmp_path):
    folder = tmp_path / "a b ä"
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "pitfalls", *line.split()],
        capture_output=True,
        cwd=folder,
        env={
            **{k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG"))},
            "PYTHONPATH": str(REPOSITORY / "src"),
            "LC_ALL": "C",
            "TERM": "dumb",
            "COLUMNS": "20",
            "PYTHONIOENCODING": "ascii",
            "PYTHONUTF8": "0",
            "PYTHONCOERCECLOCALE": "0",
        },
    )
    assert done.returncode == 0, done.stderr.decode()
    assert b"Traceback" not in done.stderr
    assert b"\x1b" not in done.stdout
    done.stdout.decode("ascii")


def test_caches_go_to_a_private_folder_only_where_their_own_places_cannot_be_used(
    monkeypatch, tmp_path
):
    for name in ("NUMBA_CACHE_DIR", "MPLCONFIGDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pitfalls.caches.tempfile.gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(caches, "_is_writable", lambda path: True)
    caches.find_caches()
    assert "NUMBA_CACHE_DIR" not in os.environ
    monkeypatch.setattr(caches, "_is_writable", lambda path: False)
    # compiled code in a folder that others may write to would be theirs
    foreign = tmp_path / f"pitfalls-{os.getuid()}"
    foreign.mkdir()
    foreign.chmod(0o777)
    caches.find_caches()
    chosen = Path(os.environ["NUMBA_CACHE_DIR"]).parent
    assert chosen != foreign
    assert chosen.stat().st_mode & 0o077 == 0
    foreign.chmod(0o700)
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    caches.find_caches()
    assert Path(os.environ["NUMBA_CACHE_DIR"]).parent == foreign
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    monkeypatch.delenv("MPLCONFIGDIR")
