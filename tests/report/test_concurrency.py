"""Reports beside fresh starts of the runs that they read."""

import subprocess
import sys
import textwrap
from pathlib import Path

from pitfalls.experiments.parity_signal import EXPERIMENT
from pitfalls.report import gather
from pitfalls.report.evidence import ReportEvidence
from pitfalls.report.rooms import account_of
from pitfalls.runs import RunStore

AGAIN_AND_AGAIN = """
    import sys
    from pitfalls.experiments.parity_signal import EXPERIMENT, SignalConfig
    from pitfalls.frame.experiment import run_experiment
    from pitfalls.runs import RunStore

    config = SignalConfig(n_features=(2, 3), n_seeds=2)
    for turn in range(8):
        run_experiment(EXPERIMENT, config, RunStore(sys.argv[1]), command="again", fresh=turn > 0)
        print(turn, flush=True)
        if turn == 0:
            input()  # until the first has been read
"""


def test_what_a_report_reads_beside_fresh_starts_is_the_result_or_a_note(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(AGAIN_AND_AGAIN), str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as worker:
        assert worker.stdout is not None
        assert worker.stdin is not None
        assert worker.stdout.readline() == "0\n"
        (first,) = RunStore(tmp_path).list()
        wanted = account_of(EXPERIMENT, ReportEvidence(EXPERIMENT.name, (first,)))
        worker.stdin.write("\n")
        worker.stdin.flush()
        whole = 0
        while worker.poll() is None:
            found = gather(RunStore(tmp_path)).get(EXPERIMENT.name, ReportEvidence(EXPERIMENT.name))
            account = account_of(EXPERIMENT, found)
            if account.result is None:
                assert account.note
                assert "\n" not in account.note
                assert not account.blocks
            else:
                whole += 1
                assert account.blocks == wanted.blocks
        assert worker.communicate()[1] == ""
    assert worker.returncode == 0
    assert whole > 0
