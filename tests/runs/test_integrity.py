"""No byte of a run is believed that is not as it was written, and no fault loses what was saved."""

import errno
import json
import math
import os
import shutil
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from pitfalls.errors import InputError, RunError
from pitfalls.runs import RunStore, folder_size, plain
from pitfalls.runs.log import Log
from tests.runs.forged import rewrite_manifest


@dataclass(frozen=True)
class Config:
    seed: int = 0
    rate: float = 0.1


@dataclass(frozen=True)
class Found:
    risk: float
    curve: np.ndarray


@dataclass(frozen=True)
class Numbers:
    risk: float
    worst: float


@pytest.fixture
def store(tmp_path):
    return RunStore(tmp_path / "runs")


def make(store, config=None):
    with store.open("test", config or Config(), command="pitfalls test") as run:
        for step in range(3):
            run.log(step=step, note="a\u2028b", risk=math.nan if step == 2 else 0.5)
            run.log_timing(step=step, seconds=1.0)
        run.save_checkpoint(step=1, tensors={"x": np.arange(3.0)}, meta={"next": 2})
        run.log(step=3)
        run.save_checkpoint(step=3, tensors={"x": np.arange(4.0)})
        run.save_arrays("spectrum", values=np.arange(5.0))
        run.save(Numbers(0.5, math.inf))
        run.save(Found(0.25, np.arange(6.0)))
        run.save_file("weights-0.safetensors", b"weights")
    run.save_file("figures/curve.svg", "<svg/>")
    return store.find(run.id)


def read_all(run):
    run.metrics()
    run.timings()
    run.arrays("spectrum")
    run.load(Numbers)
    run.load(Found)
    run.read_file("weights-0.safetensors")
    run.read_file("figures/curve.svg")


def files_of(run):
    return sorted(
        path.relative_to(run.path).as_posix()
        for path in run.path.rglob("*")
        if path.is_file() and path.name != ".lock"
    )


NAMES = [
    "metrics.jsonl",
    "timings.jsonl",
    "arrays/spectrum.npz",
    "results/Numbers.json",
    "results/Found.json",
    "weights-0.safetensors",
    "figures/curve.svg",
]


def test_a_whole_run_is_whole_and_what_json_lacks_is_read_back(store):
    run = make(store)
    read_all(run)
    assert list(store.check().values()) == [()]
    assert run.metrics()[0]["note"] == "a\u2028b"
    assert math.isnan(run.metrics()[2]["risk"])
    assert run.load(Numbers).worst == math.inf
    for name in files_of(run):
        if name.endswith(".json"):
            json.loads((run.path / name).read_text(), parse_constant=pytest.fail)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("damage", ["flip", "cut", "longer", "gone"])
def test_a_changed_file_is_refused_by_name_with_the_remedy(store, name, damage):
    run = make(store)
    path = run.path / name
    data = bytearray(path.read_bytes())
    if damage == "flip":
        data[len(data) // 2] ^= 1
    elif damage == "cut":
        del data[-1]
    else:
        data += b" "
    path.unlink()
    if damage != "gone":
        path.write_bytes(data)
    with pytest.raises(RunError) as caught:
        read_all(run)
    text = str(caught.value)
    assert text.startswith(f"run {run.id}: {name} is damaged (")
    drawn = name.startswith("figures/")
    assert text.endswith(
        "To have it drawn anew: pitfalls test" if drawn else "Make it anew: pitfalls test --fresh"
    )
    ((faults,),) = store.check().values()
    assert faults == text


def test_no_flipped_bit_anywhere_in_a_run_goes_unnoticed(store):
    run = make(store)
    rng = np.random.default_rng(0)
    for name in files_of(run):
        path = run.path / name
        whole = path.read_bytes()
        for position in rng.choice(len(whole), 12):
            damaged = bytearray(whole)
            damaged[position] ^= 1 << rng.integers(8)
            path.write_bytes(damaged)
            ((fault, *_),) = store.check().values()
            assert "\n" not in fault
            if "derived" not in name:
                assert name.rpartition(".")[0] in fault
        path.write_bytes(whole)
    assert list(store.check().values()) == [()]


def test_a_file_of_another_run_in_its_place_is_refused(store):
    run, other = make(store), make(store, Config(1))
    for name in ("results/Numbers.json", "manifest.json"):
        shutil.copy(other.path / name, run.path / name)
        faults = store.check()[run.path]
        if name == "results/Numbers.json":  # of equal content, so no other
            assert faults == ()
        else:
            assert "it is the one of test/run-" in faults[0]
            assert len(store.list()) == 1
            assert list(store.unreadable()) == [run.path]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"status": "done"}, "status in it is"),
        ({"starts": "today"}, "starts in it is"),
        ({"config": [1]}, "config in it is"),
        ({"seconds": "1"}, "seconds in it is"),
        ({"files": {"a": "b"}}, "files in it is"),
        ({"files": {"a": [1]}}, "names files that are no files of a run"),
        ({"files": {"../a": [1, "b"]}}, "names files that are no files of a run"),
        ({"warnings": [1]}, "warnings in it is"),
        ({"hash": "0" * 12}, "it is the one of test/run-000000000000"),
        ({"experiment": "other"}, "it is the one of other/run-"),
        ({"identity": {"seed": 1, "rate": 0.1}}, "does not have the hash in the folder's name"),
        ({"config": {"seed": 1, "rate": 0.1}}, "is not the one that names the folder"),
        ({"more": 1}, "lacks or should not have: more"),
    ],
)
def test_a_manifest_of_wrong_types_or_of_another_config_is_one_line(store, changes, complaint):
    run = make(store)
    values = json.loads((run.path / "manifest.json").read_text()) | changes
    values.pop("sha256")
    values["sha256"] = plain.digest(values)
    (run.path / "manifest.json").write_text(json.dumps(values))
    for ask in (lambda: store.find(run.id), lambda: store.open("test", Config())):
        with pytest.raises(RunError) as caught:
            ask()
        assert complaint in str(caught.value)
        assert "manifest.json: is damaged" in str(caught.value)
        assert "\n" not in str(caught.value)


def interrupted(store):
    with pytest.raises(KeyboardInterrupt), store.open("test", Config(), command="go") as run:
        for step in (1, 2):
            run.log(step=step)
            run.save_checkpoint(step=step, tensors={"x": np.full(3, step)})
        run.log(step=3)
        raise KeyboardInterrupt
    return run


def test_an_older_checkpoint_is_used_when_the_newest_does_not_fit_the_log(store):
    run = interrupted(store)
    log = run.path / "metrics.jsonl"
    first, second, _ = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(first + second.replace(b"2", b"7"))
    with store.open("test", Config()) as run:
        assert run.load_checkpoint().step == 1
        assert run.metrics() == [{"step": 1}]
        run.log(step=2)
        run.save_checkpoint(step=2, tensors={})
    assert "does not fit metrics.jsonl and was passed over" in run.manifest.warnings[0]
    assert run.metrics() == [{"step": 1}, {"step": 2}]


def test_a_log_that_fits_no_checkpoint_starts_the_run_over(store):
    run = interrupted(store)
    (run.path / "metrics.jsonl").write_bytes(b"")
    with store.open("test", Config()) as run:
        assert run.load_checkpoint() is None
        assert run.metrics() == []
    assert len(run.manifest.warnings) == 2


def test_a_passed_over_checkpoint_never_counts_as_newer_than_a_good_one(store):
    run = interrupted(store)
    (run.path / "checkpoints/step-000000000002.json").write_text("{")
    with pytest.raises(KeyboardInterrupt), store.open("test", Config()) as run:
        run.save_checkpoint(step=0, tensors={"x": np.full(3, 9)})
        raise KeyboardInterrupt
    with store.open("test", Config()) as run:
        assert run.load_checkpoint().step == 1


@pytest.mark.parametrize("name", ["arrays/spectrum.npz", "results/Found.json"])
def test_a_damaged_file_of_an_interrupted_run_is_refused_before_work_goes_on(store, name):
    with pytest.raises(KeyboardInterrupt), store.open("test", Config(), command="go") as run:
        run.save_arrays("spectrum", values=np.arange(5.0))
        run.save(Found(1.0, np.zeros(1)))
        raise KeyboardInterrupt
    (run.path / name).write_bytes(b"")
    with pytest.raises(RunError, match=rf"{name} is damaged .*Make it anew: go --fresh"):
        store.open("test", Config()).__enter__()
    with store.open("test", Config(), fresh=True) as run:
        pass
    assert run.complete


def test_what_a_kill_between_manifest_and_rename_left_is_finished_by_the_next_holder(
    store, monkeypatch
):
    with pytest.raises(OSError, match="killed"), store.open("test", Config()) as run:
        run.save_arrays("a", x=np.zeros(2))
        with monkeypatch.context() as patch:

            def rename(self, target):
                if target.name == "a.npz":
                    raise OSError(errno.EIO, "killed")
                return os.replace(self, target)

            patch.setattr("pitfalls.runs.atomic.Path.replace", rename)
            run.save_arrays("a", x=np.ones(3))
    assert list((run.path / "arrays").glob(".*.new"))
    with store.open("test", Config()) as run:
        np.testing.assert_array_equal(run.arrays("a")["x"], np.ones(3))
        assert not list(run.path.rglob("*.new"))


def test_temporary_files_of_killed_writes_are_cleared_by_the_next_holder(store):
    run = interrupted(store)
    left = [
        run.path / "arrays/.a.npz.0123456789abcdef.new",
        run.path / ".manifest.json.00000000deadbeef.new",
        run.path / "checkpoints/.step-000000000003.json.00000000deadbeef.new",
    ]
    for path in left:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"half")
    with store.open("test", Config()):
        assert not any(path.exists() for path in left)


@pytest.mark.parametrize("what", ["all", "metrics.jsonl", "arrays/spectrum.npz", "replaced"])
def test_a_run_whose_files_are_taken_away_while_it_runs_is_an_error_and_not_complete(store, what):
    with (
        pytest.raises(
            RunError, match=r"^run test/run-\w+: .*Then go on with: go|^run .*go on with"
        ),
        store.open("test", Config(), command="go") as run,
    ):
        run.log(step=1)
        run.save_arrays("spectrum", values=np.arange(5.0))
        if what in ("all", "replaced"):
            shutil.rmtree(run.path)
            if what == "replaced":
                run.path.mkdir()
        else:
            (run.path / what).unlink()
    assert [r.manifest.status for r in store.list()] in ([], ["running"])


def test_links_in_a_run_are_refused_and_deleted_without_what_they_lead_to(store, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").write_text("")
    with (
        pytest.raises(RunError, match="is a link to another folder"),
        store.open("t", Config()) as run,
    ):
        (run.path / "arrays").symlink_to(elsewhere)
        run.save_arrays("a", x=np.zeros(1))
    assert store.remove(run.id)
    assert (elsewhere / "precious").exists()
    assert not os.path.lexists(run.path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with names")
def test_a_pipe_in_the_place_of_a_file_is_a_fault_and_not_waited_for(store):
    run = make(store)
    for name in files_of(run):
        path = run.path / name
        whole = path.read_bytes()
        path.unlink()
        os.mkfifo(path)
        ((fault, *_),) = store.check().values()
        assert "\n" not in fault
        path.unlink()
        path.write_bytes(whole)
    assert list(store.check().values()) == [()]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with names")
@pytest.mark.parametrize(
    "name", ["metrics.jsonl", "checkpoints/step-000000000002.json", "manifest.json"]
)
def test_a_pipe_in_an_interrupted_run_is_passed_over_or_one_line(store, name):
    run = interrupted(store)
    (run.path / name).unlink()
    os.mkfifo(run.path / name)
    if name.startswith("checkpoints/"):
        with store.open("test", Config()) as run:
            assert run.load_checkpoint().step == 1
        return
    with pytest.raises(RunError, match=name), store.open("test", Config()):
        pass


def test_a_run_folder_that_lies_elsewhere_and_is_linked_works(store, tmp_path):
    run = make(store)
    moved = tmp_path / "disk" / "test" / run.path.name
    moved.parent.mkdir(parents=True)
    shutil.move(run.path, moved)
    run.path.symlink_to(moved)
    read_all(store.find(run.id))
    assert store.open("test", Config()).complete
    with store.open("test", Config(), fresh=True) as again:
        again.log(step=0)
    assert again.complete
    assert store.remove(run.id) == (run.id,)
    assert not os.path.lexists(run.path)


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_files_have_the_mode_that_the_umask_leaves(store, mask):
    before = os.umask(mask)
    try:
        run = make(store)
    finally:
        os.umask(before)
    modes = {name: (run.path / name).stat().st_mode & 0o777 for name in files_of(run)}
    assert set(modes.values()) == {0o666 & ~mask}


SAVES = {
    "log": lambda run: run.log(step=9),
    "checkpoint": lambda run: run.save_checkpoint(step=9, tensors={"x": np.zeros(2)}),
    "arrays": lambda run: run.save_arrays("a", x=np.zeros(2)),
    "result": lambda run: run.save(Found(1.0, np.zeros(1))),
    "warning": lambda run: run.warn("a"),
    "end": lambda run: None,
}


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("what", SAVES)
def test_a_full_or_broken_disk_is_one_line_with_what_was_kept_and_how_to_go_on(
    store, monkeypatch, what, code
):
    def refuse(*arguments):
        raise OSError(code, os.strerror(code))

    with pytest.raises(RunError) as caught, store.open("test", Config(), command="go") as run:
        run.log(step=5)
        run.save_checkpoint(step=5, tensors={"x": np.ones(2)})
        run.log(step=6)
        monkeypatch.setattr(os, "fsync", refuse)
        monkeypatch.setattr(os, "write", refuse)
        monkeypatch.setattr(Log, "append", refuse)
        SAVES[what](run)
    monkeypatch.undo()
    text = str(caught.value)
    assert text.startswith(f"run {run.id}: ")
    assert os.strerror(code) in text
    assert "up to checkpoint 5" in text
    assert text.endswith("go on with: go")
    with store.open("test", Config()) as run:
        assert run.load_checkpoint().step == 5
        assert run.metrics() == [{"step": 5}]
    assert run.complete


WORKER = """
    import sys, time
    from dataclasses import dataclass
    from pitfalls.errors import RunError
    from pitfalls.runs import RunStore

    @dataclass(frozen=True)
    class Config:
        seed: int = 0
        rate: float = 0.1

    @dataclass(frozen=True)
    class Done:
        done: bool

    print("ready", flush=True)
    sys.stdin.readline()
    try:
        with RunStore(sys.argv[1]).open("test", Config()) as run:
            if run.complete:
                print("reused")
            else:
                for step in range(20):
                    run.log(step=step)
                    run.save_checkpoint(step=step, tensors={})
                time.sleep(0.5)
                run.save(Done(True))
                print("made")
    except RunError as error:
        print(error)
"""


def test_of_ten_processes_on_one_run_one_works_and_the_others_say_so_in_one_line(store):
    code = textwrap.dedent(WORKER)
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(store.root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(10)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("\n")
        worker.stdin.flush()
    answers = [worker.communicate(timeout=120)[0] for worker in workers]
    assert sum(answer == "made\n" for answer in answers) == 1
    for answer in answers:
        assert answer in ("made\n", "reused\n") or "another process is working on it" in answer
        assert answer.count("\n") == 1
    (run,) = store.list()
    assert [*run.plain_results().values()] == [{"done": True}]
    assert [line["step"] for line in run.metrics()] == list(range(20))
    assert list(store.check().values()) == [()]


AGAIN_AND_AGAIN = """
    import sys
    from dataclasses import dataclass
    from pitfalls.errors import RunError
    from pitfalls.runs import RunStore

    @dataclass(frozen=True)
    class Config:
        seed: int = 0
        rate: float = 0.1

    @dataclass(frozen=True)
    class Done:
        done: bool

    store = RunStore(sys.argv[1])
    done = 0
    while done < 25:
        try:
            with store.open("test", Config(), fresh=True) as run:
                run.log(step=1)
                run.save_checkpoint(step=1, tensors={})
                run.save(Done(True))
            run.save_file("figures/a.svg", "<svg/>")
            done += 1
        except RunError as error:
            assert str(error).count(chr(10)) == 0, error
"""


def test_fresh_starts_beside_readers_and_removers_end_in_results_or_one_line(store):
    make(store)
    worker = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(AGAIN_AND_AGAIN), str(store.root)],
        stderr=subprocess.PIPE,
        text=True,
    )

    def show():
        run = store.find("test/run")
        return run.plain_results() if run.complete else None

    asks = (store.list, store.unreadable, store.check, show, lambda: store.remove("test/run"))
    said, answers, turn = [], 0, 0
    while worker.poll() is None:
        turn += 1
        try:
            asks[turn % 4 if turn % 50 else 4]()
            answers += 1
        except (RunError, InputError) as error:
            said.append(str(error))
        for run in store.list():
            folder_size(run.path)
            store.is_held(run)
    assert worker.communicate()[1] == ""
    assert worker.returncode == 0
    assert answers > 0
    assert not [text for text in said if "\n" in text]
    assert all(not faults for faults in store.check().values())


def test_remove_deletes_nothing_when_one_of_the_runs_is_held(store):
    good = make(store)
    with store.open("test", Config(1)) as held:
        with pytest.raises(RunError, match="another process"):
            store.remove(good.id, held.id)
        assert good.path.exists()
    assert sorted(store.remove(good.id, held.id)) == sorted([good.id, held.id])
    assert store.list() == []


def test_a_damaged_run_can_be_removed_by_its_name(store):
    run = make(store)
    (run.path / "manifest.json").write_text("{")
    assert store.remove(run.id) == (run.id,)


def test_a_killed_fresh_start_leaves_no_run_that_counts_as_complete(store, monkeypatch):
    run = make(store)

    def killed(path):
        raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "rmtree", killed)
    with pytest.raises(KeyboardInterrupt):
        store.open("test", Config(), fresh=True)
    monkeypatch.undo()
    assert store.list() == []
    assert run.path.exists()
    with store.open("test", Config()) as again:
        assert again.metrics() == []
    assert again.complete


def test_a_manifest_changed_by_hand_is_refused_even_where_its_types_are_right(store):
    run = make(store)
    text = (run.path / "manifest.json").read_text()
    (run.path / "manifest.json").write_text(text.replace('"seconds": 0', '"seconds": 1', 1))
    with pytest.raises(RunError, match="its checksum does not match"):
        store.find(run.id)
    rewrite_manifest(run)
    assert store.find(run.id).complete


def test_records_of_figures_that_the_disk_does_not_give_are_one_line_and_are_not_overwritten(
    store, monkeypatch
):
    run = make(store)
    whole = (run.path / "derived.json").read_bytes()
    read = Path.read_bytes

    def broken(path):
        if path.name == "derived.json":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", broken)
    for act in (
        lambda: run.read_file("figures/curve.svg"),
        lambda: run.save_file("figures/other.svg", "<svg/>"),
    ):
        with pytest.raises(
            RunError, match=r"^run .*derived.json cannot be read \(Input/output error\)"
        ):
            act()
    ((fault,),) = store.check().values()
    assert "derived.json" in fault
    monkeypatch.undo()
    assert (run.path / "derived.json").read_bytes() == whole
