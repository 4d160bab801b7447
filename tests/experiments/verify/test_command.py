import subprocess
import sys

import pytest

from pitfalls.cli import main


@pytest.fixture(autouse=True)
def runs(tmp_path, monkeypatch):
    monkeypatch.setenv("PITFALLS_RUNS", str(tmp_path))


def test_verify_prints_a_verdict_for_each_claim_and_exits_with_0(capsys):
    assert main(["verify", "2a-only-if", "3a-printed"]) == 0
    out = capsys.readouterr().out
    for text in ("2a-only-if", "symbolic", "exact", "holds", "3a-printed", "false (expected)"):
        assert text in out
    assert "3a-printed: counterexample: d = 1, mask (1,), x = (1,): f = 5" in out
    assert "All 2 claims came out as they should." in out


def test_a_homework_part_names_all_its_claims(capsys):
    assert main(["verify", "2a"]) == 0
    out = capsys.readouterr().out
    for name in ("2a-if", "2a-only-if", "2a-balanced"):
        assert name in out
    assert "2b-identity" not in out


def test_a_claim_that_should_hold_and_does_not_gives_exit_code_1(monkeypatch, capsys):
    from pitfalls.claims import catalogue, find_claim

    wrong = find_claim("2a-only-if").about(lambda widths: max(1, min(widths) - 1))
    monkeypatch.setattr(catalogue, "CLAIMS", (wrong,))
    assert main(["verify"]) == 1
    out = capsys.readouterr().out
    assert "REFUTED" in out
    assert "1 of 1 claims did not come out as they should: 2a-only-if" in out


def test_a_claim_that_should_fail_and_holds_gives_exit_code_1(monkeypatch, capsys):
    from pitfalls.claims import catalogue, find_claim

    repaired = find_claim("2b-layers-convex").about(lambda layers, x, y: 0)
    monkeypatch.setattr(catalogue, "CLAIMS", (repaired,))
    assert main(["verify"]) == 1
    assert "HOLDS, SHOULD NOT" in capsys.readouterr().out


def test_an_unknown_id_is_refused_in_one_line_with_the_ids(capsys):
    assert main(["verify", "nonsense"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.strip().splitlines()
    assert "'nonsense'" in line
    assert "2a-if" in line
    assert "3d-bound" in line


def test_an_unknown_effort_is_refused(capsys):
    assert main(["verify", "2c", "--effort", "much"]) == 2
    assert "thorough" in capsys.readouterr().err


def test_the_second_time_the_run_is_reused(capsys):
    assert main(["verify", "2c"]) == 0
    first = capsys.readouterr().out
    assert main(["verify", "2c"]) == 0
    again = capsys.readouterr()
    assert again.out == first
    assert "reused" in again.err


def test_the_same_claims_asked_for_in_another_way_are_the_same_run(capsys):
    assert main(["verify", "2a"]) == 0
    capsys.readouterr()
    assert main(["verify", "2a-balanced", "2a-if", "2a-only-if"]) == 0
    assert "reused" in capsys.readouterr().err


def test_help_does_not_import_torch():
    code = (
        "import sys; from pitfalls.cli import main; "
        "assert main(['verify', '--help']) == 0; assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "thorough" in done.stdout
