"""Jobs under submitit's local executor, of which the first is killed."""

import os
import signal
import sys

import pytest


def kill_first_job(monkeypatch, tmp_path):
    """Kill the first job that is submitted from here on; return the list of those killed."""
    submitit = pytest.importorskip("submitit", reason="needs the extra: pitfalls[submitit]")
    killed: list[str] = []
    submit = submitit.AutoExecutor.submit

    def submit_and_kill(self, *arguments, **keywords):
        job = submit(self, *arguments, **keywords)
        if not killed:
            killed.append(job.job_id)
            os.kill(int(job.job_id), signal.SIGKILL)
        return job

    monkeypatch.setattr(submitit.AutoExecutor, "submit", submit_and_kill)
    # how long a result may take to show on a shared file system
    monkeypatch.setattr(submitit.core.core.Job, "_results_timeout_s", 1)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    monkeypatch.chdir(tmp_path)
    return killed
