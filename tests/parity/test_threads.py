import subprocess
import sys

import pytest
import torch

from pitfalls.parity.threads import one_torch_thread, run_chunks


def test_every_chunk_is_worked_on_once_and_what_one_raises_is_raised():
    seen: list[int] = []
    run_chunks(seen.append, 20)
    assert sorted(seen) == list(range(20))

    def fail(chunk):
        if chunk == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_chunks(fail, 20)


def test_the_first_compiled_pass_of_a_process_leaves_torchs_threads_alone():
    code = (
        "import torch; torch.set_num_threads(1); from pitfalls.parity.threads import run_chunks;"
        "run_chunks(lambda chunk: None, 4); assert torch.get_num_threads() == 1"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)


def test_one_torch_thread_lasts_to_the_end_of_the_outermost_block():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with one_torch_thread():
            with one_torch_thread():
                assert torch.get_num_threads() == 1
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
