"""The benchmark of sweeps, at toy size, on the backend that is always there."""

from benchmarks.parity import sweeps
from benchmarks.sections import write_sections


def test_the_guides_tables_are_what_the_recorded_result_says(tmp_path):
    page = tmp_path / "machines.md"
    page.write_text(sweeps.GUIDE.read_text())
    write_sections(page, sweeps.SECTIONS)
    assert page.read_text() == sweeps.GUIDE.read_text()


def test_both_tables_are_made_at_toy_size(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sweeps, "PACKAGES", {"loky": "joblib"})
    found = sweeps.throughput(3, rounds=2)
    assert found["backends"]["loky"]["over_loky"] == 1
    assert len(found["backends"]["loky"]["whole_s"]) == found["backends"]["loky"]["n"] == 2
    rows = sweeps.keeping((10, 20))
    assert [row["cells"] for row in rows] == [10, 20]
    assert all(row["last_tenth_ms"] > 0 for row in rows)
    assert list(tmp_path.iterdir()) == []
    assert sweeps.sweep.run_jobs is sweeps.run_jobs  # type: ignore[attr-defined]
