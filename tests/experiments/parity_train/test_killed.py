import time

from tests.experiments import killed_parity
from tests.experiments.interruption import assert_equal
from tests.forked import start


def test_a_training_killed_at_any_moment_ends_with_the_undisturbed_bits(tmp_path):
    undisturbed = killed_parity.run(str(tmp_path / "undisturbed"))
    root = tmp_path / "killed"
    kills = 0
    for checkpoint in (1, 3):
        process = start(killed_parity.run, str(root))
        while process.exitcode is None:
            steps = [int(p.stem.split("-")[-1]) for p in root.rglob("*.safetensors")]
            if max(steps, default=0) >= 500 * checkpoint:
                process.kill()
                kills += 1
                break
            time.sleep(0.002)
        process.join()
    assert kills
    finished = killed_parity.run(str(root))
    assert (finished.run.path / "metrics.jsonl").read_bytes() == (
        undisturbed.run.path / "metrics.jsonl"
    ).read_bytes()
    assert_equal(undisturbed.result, finished.result)
