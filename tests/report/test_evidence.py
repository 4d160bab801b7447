import pytest

from pitfalls.errors import InputError
from pitfalls.report import ReportEvidence, gather
from pitfalls.runs import RunStore
from tests.report.conftest import Config, make_run
from tests.runs.forged import rewrite_manifest


def test_a_finished_run_is_quoted_before_an_unfinished_later_one(store: RunStore) -> None:
    done = make_run(store, "demo", n=1)
    with pytest.raises(KeyboardInterrupt), store.open("demo", Config(n=2)):
        raise KeyboardInterrupt
    found = gather(store)["demo"]
    assert found.run is not None
    assert found.run.id == done.id
    assert found.state == "complete"
    assert found.note == ""
    assert len(found.runs) == 2


def test_of_finished_runs_the_latest_is_quoted_and_an_earlier_unfinished_one_waits(
    store: RunStore,
) -> None:
    with pytest.raises(KeyboardInterrupt), store.open("demo", Config(n=1)):
        raise KeyboardInterrupt
    finished = [make_run(store, "demo", n=n) for n in (2, 3, 4)]
    for run, year in zip(finished, (2021, 2023, 2022), strict=True):
        rewrite_manifest(run, end=f"{year}-01-01T00:00:00+00:00")
    found = gather(store)["demo"]
    latest_first = [finished[1].id, finished[2].id, finished[0].id]
    assert [run.id for run in found.runs][:3] == latest_first
    assert found.runs[3].manifest.status == "interrupted"


def test_a_list_of_runs_says_itself_which_comes_first(store: RunStore) -> None:
    first, second = make_run(store, "demo", n=1), make_run(store, "demo", n=2)
    assert gather([second, first, second])["demo"].runs == (second, first)


def test_an_unfinished_run_is_said_to_be_so_with_the_command_that_finishes_it(
    store: RunStore,
) -> None:
    with pytest.raises(KeyboardInterrupt), store.open("demo", Config(), command="pitfalls demo"):
        raise KeyboardInterrupt
    found = gather(store)["demo"]
    assert found.state == "partial"
    assert "interrupted" in found.note
    assert "pitfalls demo" in found.note


def test_a_run_of_another_version_is_stale_and_named(store: RunStore) -> None:
    run = make_run(store, "demo")
    run.manifest.versions = {**run.manifest.versions, "pitfalls": "0.0.1"}
    found = gather([run])["demo"]
    assert found.state == "stale"
    assert "0.0.1" in found.note
    assert "--fresh" in found.note


def test_a_run_of_other_code_is_stale_and_quoted_only_where_there_is_no_present_one(
    store: RunStore,
) -> None:
    older, present = make_run(store, "demo", n=2), make_run(store, "demo", n=1)
    rewrite_manifest(older, entry="pitfalls.experiments.verify.run", code="0" * 12)
    found = gather(store)["demo"]
    assert found.runs[0].id == present.id
    assert found.state == "complete"
    only = gather([older])["demo"]
    assert only.state == "stale"
    assert "older: other code than the present" in only.note


def test_no_run_is_missing() -> None:
    assert ReportEvidence("demo").state == "missing"
    assert "demo" in ReportEvidence("demo").note


def test_a_folder_that_is_not_there_is_one_clear_line(tmp_path) -> None:
    with pytest.raises(InputError, match=r"no folder of runs at .*nowhere"):
        gather(tmp_path / "nowhere")


def test_damaged_manifests_and_failures_are_said_in_place(store: RunStore) -> None:
    whole, damaged = make_run(store, "demo", n=1), make_run(store, "demo", n=2)
    (make_run(store, "other").path / "manifest.json").write_text("{")
    (damaged.path / "manifest.json").write_text("{")
    found = gather(store, {"third": "the disk was full."})
    assert found["demo"].run is not None
    assert found["demo"].run.id == whole.id
    assert f"{damaged.path}/manifest.json: is damaged" in found["demo"].note
    assert found["other"].state == found["third"].state == "missing"
    assert found["other"].note.endswith("No number from it is printed.")
    assert found["third"].note == "the disk was full. No number from it is printed."
    assert "There is no run" not in found["other"].note
