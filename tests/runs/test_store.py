import json
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass

import numpy as np
import pytest

from pitfalls.errors import InputError, RunError
from pitfalls.runs import RunStore
from tests.runs.forged import rewrite_manifest


@dataclass(frozen=True)
class Config:
    seed: int = 0
    run_name: str = "demo"


@dataclass(frozen=True)
class Found:
    risk: float


@pytest.fixture
def store(tmp_path):
    return RunStore(tmp_path / "runs")


def finish(store, seed=0, **options):
    with store.open("test", Config(seed), **options) as run:
        run.log(step=0, risk=0.5)
        run.save_arrays("a", x=np.arange(4.0))
        run.save(Found(0.5))
    return run


def test_a_finished_run_is_reused_and_reads_back(store):
    finish(store, command="pitfalls test")
    run = store.open("test", Config())
    assert run.complete
    assert not run.was_opened
    assert run.load(Found) == Found(0.5)
    assert run.metrics() == [{"step": 0, "risk": 0.5}]
    np.testing.assert_array_equal(run.arrays("a")["x"], np.arange(4.0))
    manifest = json.loads((run.path / "manifest.json").read_text())
    assert manifest["status"] == "complete"
    assert manifest["command"] == "pitfalls test"
    assert manifest["seed"] == 0
    assert manifest["versions"]["numpy"] == np.__version__
    assert manifest["machine"]["cores"] >= 1
    assert manifest["end"] >= manifest["starts"][0]


def test_a_complete_run_takes_no_more_writes(store):
    run = finish(store)
    for write in (
        lambda: run.log(step=1),
        lambda: run.save(Found(1.0)),
        lambda: run.save_checkpoint(step=1, tensors={}),
        lambda: run.warn("late"),
    ):
        with pytest.raises(RunError, match="open for writing"):
            write()


def test_fresh_starts_over(store):
    finish(store)
    with store.open("test", Config(), fresh=True) as run:
        assert run.metrics() == []
        assert run.manifest.files == {}


def test_another_config_is_another_folder(store):
    assert finish(store, 0).path != finish(store, 1).path
    assert [run.manifest.seed for run in store.list("test")] == [0, 1]


def test_an_interrupted_run_goes_on_from_its_checkpoint_with_its_log_cut_back(store):
    with pytest.raises(KeyboardInterrupt), store.open("test", Config()) as run:
        run.log(step=0)
        run.save_checkpoint(step=0, tensors={"x": np.array([1.5])}, meta={"next": 1})
        run.log(step=1)
        raise KeyboardInterrupt
    assert store.list()[0].manifest.status == "interrupted"
    with store.open("test", Config()) as run:
        checkpoint = run.load_checkpoint()
        assert checkpoint.meta == {"next": 1}
        assert checkpoint.tensors["x"][0] == 1.5
        assert run.metrics() == [{"step": 0}]
        run.log(step=1)
    assert run.metrics() == [{"step": 0}, {"step": 1}]
    assert len(run.manifest.starts) == 2


def test_without_a_checkpoint_the_log_starts_empty_again(store):
    with pytest.raises(ValueError, match="boom"), store.open("test", Config()) as run:
        run.log(step=0)
        raise ValueError("boom")
    assert store.list()[0].manifest.error == "ValueError: boom"
    with store.open("test", Config()) as run:
        assert run.load_checkpoint() is None
        assert run.metrics() == []
    assert run.manifest.error is None


def test_a_damaged_last_checkpoint_becomes_a_warning(store):
    with pytest.raises(KeyboardInterrupt), store.open("test", Config()) as run:
        for step in (1, 2):
            run.save_checkpoint(step=step, tensors={"x": np.ones(1)})
        raise KeyboardInterrupt
    (run.path / "checkpoints/step-000000000002.safetensors").write_bytes(b"")
    with store.open("test", Config()) as run:
        assert run.load_checkpoint().step == 1
    assert "step-000000000002.json is damaged" in run.manifest.warnings[0]


def test_a_second_process_is_refused_in_one_line(store):
    code = textwrap.dedent(f"""
        import sys
        from dataclasses import dataclass
        from pitfalls.runs import RunStore
        from pitfalls.errors import RunError
        @dataclass(frozen=True)
        class Config:
            seed: int = 0
            run_name: str = "demo"
        try:
            RunStore({str(store.root)!r}).open("test", Config())
        except RunError as error:
            print(error)
            sys.exit(7)
    """)
    with store.open("test", Config()) as run:
        other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert other.returncode == 7, other.stderr
        assert "another process is working on it" in other.stdout
        assert other.stdout.count("\n") == 1
        assert store.is_held(run)
        with pytest.raises(RunError, match="another process"):
            store.remove(run.id)
    assert not store.is_held(run)


WORKER = """
import sys, time
from dataclasses import dataclass
import numpy as np
from pitfalls.runs import RunStore

@dataclass(frozen=True)
class Config:
    seed: int = 0
    run_name: str = "demo"

@dataclass(frozen=True)
class Found:
    x: np.ndarray

with RunStore(sys.argv[1]).open("test", Config()) as run:
    if run.complete:  # the kill came between the end of the work and that of the process
        sys.exit()
    checkpoint = run.load_checkpoint()
    x, first = np.zeros(2), 0
    if checkpoint is not None:
        x, first = checkpoint.tensors["x"], checkpoint.step
    for step in range(first, 60):
        rng = np.random.default_rng([0, step])
        x = 0.9 * x + rng.standard_normal(2)
        run.log(step=step, x=x)
        if step % 3 == 2:
            run.save_checkpoint(step=step + 1, tensors={"x": x})
        time.sleep(0.004)
    run.save(Found(x))
"""


def test_kill_9_at_random_moments_changes_no_byte_of_log_and_results(tmp_path):
    def start(folder):
        return subprocess.Popen([sys.executable, "-c", WORKER, str(folder)])

    assert start(tmp_path / "calm").wait() == 0
    rng = np.random.default_rng(1)
    kills = 0
    while True:
        process = start(tmp_path / "killed")
        manifest = next((tmp_path / "killed").glob("test/*/manifest.json"), None)
        deadline = time.monotonic() + 60
        while manifest is None and time.monotonic() < deadline:
            manifest = next((tmp_path / "killed").glob("test/*/manifest.json"), None)
            time.sleep(0.01)
        time.sleep(rng.uniform(0.05, 0.5))
        if process.poll() is None and kills < 6:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
            continue
        assert process.wait() == 0
        break
    assert kills > 0
    calm, killed = (RunStore(tmp_path / name).list()[0] for name in ("calm", "killed"))
    for name in ("metrics.jsonl", "results/Found.json"):
        assert (calm.path / name).read_bytes() == (killed.path / name).read_bytes()


def test_find_by_id_end_and_folder_and_the_ways_it_fails(store):
    run = finish(store)
    finish(store, 1)
    assert store.find(run.id).path == run.path
    assert store.find(run.path.name[-6:]).path == run.path
    assert store.find(run.path).path == run.path
    with pytest.raises(InputError, match="no run is called 'nothing'"):
        store.find("nothing")
    with pytest.raises(InputError, match="fits 2 runs"):
        store.find("test/")


def test_a_run_is_found_from_within_its_folders(store, monkeypatch):
    run = finish(store)
    for inside, name in ((run.path.parent, run.path.name), (run.path, ".")):
        monkeypatch.chdir(inside)
        assert store.find(name).id == run.id
        assert store.find(name).path == run.path


def test_no_name_removes_nothing(store):
    finish(store)
    with pytest.raises(InputError, match="a name is needed"):
        store.remove("")
    assert len(store.list()) == 1


def test_the_experiment_is_a_name_and_no_pattern_or_path(store):
    finish(store)
    for name in ("/abs", "..", "*", "tes"):
        assert store.list(name) == []


def test_a_lock_that_cannot_be_opened_counts_as_not_held(store):
    run = finish(store)
    (run.path / ".lock").unlink(missing_ok=True)
    (run.path / ".lock").mkdir()  # refused to root too, unlike a read-only file
    assert not store.is_held(run)


def test_remove_deletes_the_folder(store):
    run = finish(store)
    assert store.remove(run.id) == (run.id,)
    assert not run.path.exists()
    assert store.list() == []


@pytest.mark.parametrize("content", ["{", "[]", '{"format": 2}', '{"format": 99}', "[" * 100_000])
def test_a_damaged_or_foreign_manifest_is_one_clear_error_and_fresh_mends_it(store, content):
    run = finish(store)
    (run.path / "manifest.json").write_text(content)
    with pytest.raises(RunError, match=r"manifest\.json"):
        store.open("test", Config())
    with store.open("test", Config(), fresh=True) as run:
        pass
    assert run.complete


def test_a_run_folder_of_an_earlier_format_is_set_aside(store):
    run = finish(store)
    (run.path / "manifest.json").write_text('{"format": 1}')
    again = finish(store)
    assert again.set_aside.name == f"{run.path.name}-older-unknown"


def test_damaged_results_and_arrays_name_file_and_remedy(store):
    run = finish(store, command="pitfalls test")
    (run.path / "results/Found.json").write_text("{")
    (run.path / "arrays/a.npz").write_bytes(b"no zip")
    with pytest.raises(RunError, match=r"results/Found\.json is damaged.*pitfalls test --fresh"):
        run.load(Found)
    with pytest.raises(RunError, match=r"a\.npz is damaged"):
        run.arrays("a")
    with pytest.raises(RunError, match="has no arrays 'b'"):
        run.arrays("b")


def test_files_stay_inside_the_run_folder(store):
    with store.open("test", Config()) as run:
        assert run.save_file("figures/x.svg", "<svg/>").read_text() == "<svg/>"
        with pytest.raises(InputError, match="outside the run folder"):
            run.save_file("../x", b"")
        with pytest.raises(InputError, match="array of objects"):
            run.save_arrays("o", x=np.array([{}], dtype=object))


@pytest.mark.parametrize("name", ["", "../x", "a b", ".hidden"])
def test_names_that_are_no_folder_names_are_refused(store, name):
    with pytest.raises(InputError, match="name must be letters"):
        store.open(name, Config())


def test_a_root_that_cannot_be_made_is_one_clear_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="Choose another with --runs"):
        RunStore(tmp_path / "file").open("test", Config())


def test_a_question_that_was_wrong_leaves_no_folder(store):
    with pytest.raises(InputError), store.open("demo", Config()):
        raise InputError("demo: too large. Ask for less.")
    assert list(store.root.rglob("*")) == []


def test_work_that_was_done_before_the_error_stays(store):
    with pytest.raises(InputError), store.open("demo", Config()) as run:
        run.log(step=1)
        raise InputError("demo: the data have changed.")
    (left,) = store.list()
    assert left.manifest.status == "failed"


def test_runs_are_listed_by_their_first_start_and_equal_starts_by_name(store):
    made = sorted((finish(store, seed).path for seed in range(6)), key=lambda path: path.name)
    days = (5, 3, 9, 1, 3, 7)  # against the order of the names
    for path, day in zip(made, days, strict=True):
        starts = [f"2026-01-0{day}T00:00:00+00:00", "2025-01-01T00:00:00+00:00"]
        rewrite_manifest(store.find(path), starts=starts)
    listed = [run.path for run in store.list()]
    assert listed == [made[i] for i in (3, 1, 4, 0, 5, 2)]


@pytest.mark.parametrize("lost", ["in a killed --fresh", "by hand"])
def test_nothing_is_gone_on_from_where_there_is_no_manifest(store, monkeypatch, lost):
    """Not even a checkpoint: what computed it is known from the manifest alone."""
    with pytest.raises(KeyboardInterrupt), store.open("test", Config()) as run:
        run.save_checkpoint(step=1, tensors={"x": np.array([41.0])})
        raise KeyboardInterrupt
    if lost == "by hand":
        (run.path / "manifest.json").unlink()
    else:
        with monkeypatch.context() as killed, pytest.raises(KeyboardInterrupt):
            killed.setattr("shutil.rmtree", lambda path: (_ for _ in ()).throw(KeyboardInterrupt))
            store.open("test", Config(), fresh=True)
        assert (run.path / "checkpoints").exists()
    with store.open("test", Config()) as again:
        assert again.load_checkpoint() is None
    assert not (run.path / "checkpoints").exists()


def test_a_folder_of_another_program_is_no_run_whatever_its_manifest_is_called(store, tmp_path):
    finish(store)
    page = tmp_path / "page"
    page.mkdir()
    (page / "index.html").write_text("precious")
    for manifest in ('{"name": "a page"}', "[]", "{", "\xff"):
        (page / "manifest.json").write_text(manifest, encoding="latin-1")
        for ask in (store.remove, store.find, store.check):
            with pytest.raises(InputError, match=r"is no run's, or is damaged"):
                ask(page)
    assert (page / "index.html").read_text() == "precious"


def test_a_run_of_another_store_goes_by_its_folder(store, tmp_path):
    run = finish(RunStore(tmp_path / "other"))
    assert store.find(run.path).load(Found) == Found(0.5)
    assert store.remove(run.path) == (run.id,)
    assert not run.path.exists()


@pytest.mark.parametrize("saved", [True, False])
def test_a_run_that_goes_on_with_another_library_or_processor_says_so(store, monkeypatch, saved):
    with pytest.raises(KeyboardInterrupt), store.open("test", Config()) as run:
        if saved:
            run.save_checkpoint(step=1, tensors={"x": np.array([41.0])})
        raise KeyboardInterrupt
    before = run.manifest
    versions = {**before.versions, "numpy": "0.1", "pitfalls": "9.9"}
    machine = {**before.machine, "processor": "abacus", "cores": 1000}
    monkeypatch.setattr("pitfalls.runs.store.describe_versions", lambda: versions)
    monkeypatch.setattr("pitfalls.runs.store.describe_machine", lambda: machine)
    for _ in range(2):  # said once
        with pytest.raises(KeyboardInterrupt), store.open("test", Config()) as again:
            raise KeyboardInterrupt
    assert again.manifest.versions["numpy"] == "0.1"
    warnings = store.find("test/").manifest.warnings
    assert len(warnings) == saved
    if saved:
        old = f"numpy {np.__version__} and processor {before.machine['processor'] or 'unknown'}"
        assert f"Begun with {old}, continued with numpy 0.1 and processor abacus" in warnings[0]


def test_a_store_below_the_home_folder_is_found_where_no_shell_has_written_it_out(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PITFALLS_RUNS", "~/work")
    assert RunStore().root == tmp_path / "work"
    assert RunStore("~/other").root == tmp_path / "other"
    assert str(RunStore("~nobody-at-all/x").root) == "~nobody-at-all/x"


@pytest.mark.parametrize("name", ["manifest.json", "metrics.jsonl", "a/../files.jsonl", ".lock"])
def test_no_file_takes_the_place_of_the_folder_s_own(store, name):
    with store.open("test", Config()) as run:
        run.log(step=0)
        run.save(Found(0.5))
        with pytest.raises(InputError, match="is the run folder's own"):
            run.save_file(name, b"x")
    for taken in (name, "derived.json"):
        with pytest.raises(InputError, match="is the run folder's own"):
            run.save_file(taken, b"x")
    with pytest.raises(InputError, match="is what the finished run found"):
        run.save_file("results/Found.json", b"x")
    run.save_file("figures/a.svg", b"1")
    run.save_file("figures/a.svg", b"2")
    assert store.check() == {run.path: ()}
    assert store.find("test/").load(Found) == Found(0.5)


def test_tensors_that_no_checkpoint_holds_are_refused_in_one_line(store):
    with (
        pytest.raises(
            InputError, match=r"save_checkpoint: the tensors cannot be written \(.*complex"
        ),
        store.open("test", Config()) as run,
    ):
        run.save_checkpoint(step=1, tensors={"x": np.array([1 + 2j])})


def test_runs_that_were_moved_to_another_disk_are_whole_behind_a_link(store, tmp_path):
    run, disk = finish(store), tmp_path / "disk"
    disk.mkdir()
    for moved, other in ((run.path.parent, disk / "trainings"), (run.path, disk / "first")):
        moved.rename(other)
        moved.symlink_to(other)
        assert store.find("test/").load(Found) == Found(0.5)
        assert not store.open("test", Config()).was_opened
        assert store.check() == {run.path: ()}
    # but no run in the place of another
    with store.open("test", Config(1)) as second:
        pass
    (second.path / "manifest.json").write_bytes((run.path / "manifest.json").read_bytes())
    with pytest.raises(RunError, match=f"it is the one of {run.id}"):
        store.find(second.path)
