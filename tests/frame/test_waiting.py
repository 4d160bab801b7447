import os
import subprocess
import sys

import pytest

from pitfalls.frame.waiting import LOOPS, choose_waiting, others_run

BUSY = "import os, sys\nprint(flush=True)\nwhile os.getppid() == int(sys.argv[1]): pass"


@pytest.mark.parametrize(
    ("text", "others"),
    [
        ("0.00 0.01 0.05 1/84 20370\n", False),
        ("0.00 0.01 0.05 2/84 20370\n", True),
        ("4.70 5.02 3.43 12/1083 20370\n", True),
        ("nothing to be seen", True),
        ("", True),
    ],
)
def test_others_are_those_that_run_beside_this_thread(tmp_path, text, others):
    (tmp_path / "loadavg").write_text(text)
    assert others_run(tmp_path / "loadavg") is others


def test_where_nothing_can_be_seen_others_are_expected(tmp_path):
    assert others_run(tmp_path / "none")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux says how many threads run")
def test_a_busy_process_is_seen():
    command = [sys.executable, "-c", BUSY, str(os.getpid())]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as busy:
        assert busy.stdout is not None
        assert busy.stdout.readline()
        assert others_run()
        busy.kill()


@pytest.mark.parametrize(
    ("before", "others", "after"),
    [
        ({}, True, {"OMP_WAIT_POLICY": "PASSIVE"}),
        ({}, False, {"GOMP_SPINCOUNT": LOOPS}),
        ({"OMP_WAIT_POLICY": "ACTIVE"}, True, {"OMP_WAIT_POLICY": "ACTIVE"}),
        ({"OMP_WAIT_POLICY": "ACTIVE"}, False, {"OMP_WAIT_POLICY": "ACTIVE"}),
        ({"GOMP_SPINCOUNT": "7"}, True, {"GOMP_SPINCOUNT": "7"}),
    ],
)
def test_threads_sleep_where_others_run_unless_the_environment_says_how(
    monkeypatch, before, others, after
):
    environment = dict(before)
    monkeypatch.setattr(os, "environ", environment)
    monkeypatch.setattr("pitfalls.frame.waiting.others_run", lambda: others)
    choose_waiting()
    assert environment == after
