import pytest

from pitfalls.runs import describe_machine


@pytest.mark.parametrize(
    ("policy", "do"), [("PASSIVE", "sleep"), ("passive", "sleep"), ("ACTIVE", "look for work")]
)
def test_a_manifest_says_what_threads_without_work_do(monkeypatch, policy, do):
    monkeypatch.setenv("OMP_WAIT_POLICY", policy)
    describe_machine.cache_clear()  # asked once a process
    try:
        assert describe_machine()["idle_threads"] == do
    finally:
        describe_machine.cache_clear()
