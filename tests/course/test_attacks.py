"""Attacks on the grader: none gains a point over the empty gap, and each is named."""

import contextlib
import os
import socket
from pathlib import Path

import numpy as np
import pytest

from pitfalls.course.grading import channel
from pitfalls.course.grading.calls import Call
from pitfalls.course.grading.confinement import Limits
from pitfalls.course.grading.grade import FILES, grade, parts_named
from pitfalls.course.grading.sandbox import read_submission
from pitfalls.course.starter import render_script
from tests.course.work import SMALL, lost, solution

LOSS = "    raise NotImplementedError  # your code here\n\n\ndef check"
FORGED = '{"score": 100, "tests": [{"score": 100, "max_score": 100, "status": "passed"}]}'

ATTACKS = {
    # name: (at the top of the file, in place of the loss, words of the reason or of a notice)
    "leaving while it is imported": (f"import os\nprint('''{FORGED}''', flush=True)\nos._exit(0)", "", "ended itself with exit code 0"),
    "leaving while it is asked": ("import os", f"    print('''{FORGED}''', flush=True)\n    os._exit(0)", "looks like a verdict"),
    "sys.exit": ("", "    sys.exit(0)", "SystemExit"),
    "forging answers on every descriptor": (
        "import os\nfor fd in range(64):\n    try:\n        os.write(fd, b'\\0\\0\\0\\x10\\0\\0\\0\\0{\"points\":  100}' * 9)\n    except OSError:\n        pass",
        "", "the grader's own channel"),
    "answering in the driver's stead": (
        "import sys, json\n",
        "    frame = sys._getframe()\n    while 'message' not in frame.f_locals or 'stream' not in frame.f_locals:\n        frame = frame.f_back\n"
        "    stream, message, told = frame.f_locals['stream'], frame.f_locals['message'], frame.f_locals\n"
        "    channel = frame.f_globals['channel']\n"
        "    stream.sendall(channel.pack({'number': message['number'], 'points': 100, 'passed': True, 'outcomes': [{'value': 0.0}] * len(message['calls'])}))\n"
        "    import os\n    os._exit(0)",
        "ended itself"),
    "writing the results": ("open('/autograder/results/results.json', 'w')", "", "tries to write /autograder/results/results.json"),
    "reading the tests": (
        f"open({str(Path(channel.__file__).with_name('parity_parts.py'))!r}).read()", "", "tries to read"),
    "reading them without Python": (
        "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        f"assert libc.open({os.fsencode(Path(channel.__file__).with_name('parity_parts.py'))!r}, 0) < 0\n"
        "assert libc.open(b'/tmp/gained', 65, 511) < 0\nassert libc.fork() < 0\nassert libc.socket(2, 1, 0) < 0\n"
        "assert libc.kill(__import__('os').getppid(), 0) < 0\nraise RuntimeError('every wall stood')", "", "every wall stood"),
    "the grader's own modules": ("from pitfalls.course.grading import oracles", "", "pitfalls"),
    "patching torch": (
        "torch.allclose = lambda *_, **__: True\ntorch.autograd.grad = lambda value, leaves, **_: [torch.zeros_like(l) for l in leaves]",
        "    return output.sum() * 0", "it replaces torch.allclose"),
    "patching numpy": ("import numpy\nnumpy.array_equal = lambda *_, **__: True\nnumpy.maximum = lambda *_: 0", "    return torch.tensor(0.0)", "it replaces numpy.array_equal"),
    "equal to everything": (
        "class Right(float):\n    def __eq__(self, other):\n        return True\n    def __lt__(self, other):\n        return False\n    def __array__(self, *_):\n        raise SystemExit",
        "    return Right(0.0)", "is due"),
    "hanging": ("", "    while True:\n        pass", "no answer within 2 s"),
    "sleeping while it is imported": ("import time\ntime.sleep(3600)", "", "no answer within 2 s"),
    "closing the channel": ("import os, time\nos.closerange(0, 64)\ntime.sleep(3600)", "", "closes the grader's channel"),
    "forking": ("import os\nwhile True:\n    os.fork()", "", "tries to start a process (os.fork)"),
    "another program": ("import subprocess\nsubprocess.run(['true'])", "", "tries to start a process"),
    "killing the grader": ("import os\nos.kill(os.getppid(), 9)", "", "tries to send a signal"),
    "filling memory": ("held = [bytearray(10**8) for _ in range(100)]", "", "more than the 256 MB allowed"),
    "filling memory by torch": ("", "    return torch.ones(10**10).sum()", "more than the 256 MB allowed"),
    "filling the disk": (
        "import time\nfor i in range(1000):\n    open(f'fill{i}', 'wb').write(bytes(3 * 2**20))\ntime.sleep(9)", "", "more than the 16 MB allowed"),
    "one large file": ("open('fill', 'wb', 0).write(bytes(2**23)); open('fill', 'ab', 0).write(bytes(2**23))", "", "File too large"),
    "the network": ("import socket\nsocket.create_connection(('127.0.0.1', 80))", "", "network connection"),
    "answers without end": ("import gc, socket\ns = [o for o in gc.get_objects() if isinstance(o, socket.socket) and o.fileno() > 2][0]\nwhile True:\n    s.sendall(b'\\0\\0\\0\\x15\\0\\0\\0\\0' + b'{\"body\":{},\"arrays\":[]}'[:21])", "", "the grader's own channel"),
    "nesting without end": ("import gc, socket\ns = [o for o in gc.get_objects() if isinstance(o, socket.socket) and o.fileno() > 2][0]\ns.sendall(b'\\0\\x01\\0\\0\\0\\0\\0\\0' + b'[' * 65536)", "", "the grader's own channel"),
    "a crash": ("import ctypes\nctypes.string_at(0)", "", "SIGSEGV"),
}  # fmt: skip


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_gains_nothing_and_is_named(name, sandbox, monkeypatch):
    top, loss, words = ATTACKS[name]
    if "no answer" in words:
        monkeypatch.setattr(sandbox, "limits", Limits(call_seconds=2))
    text = render_script("pitfalls.py", SMALL, solution=False)
    head, marker, tail = text.partition("D = 4")
    assert LOSS in text
    text = head + top + "\n" + marker + tail
    if loss:
        text = text.replace(LOSS, loss + "\n\n\ndef check")
    parts = parts_named(["3b", "3a"])
    found = grade({"pitfalls.py": text.encode()}, sandbox, SMALL, parts)
    if name.startswith("patching"):
        # a loss that is always zero has some properties of a loss, with the patch and without
        without = text.replace(top, "").encode()
        assert found.points == grade({"pitfalls.py": without}, sandbox, SMALL, parts).points
    else:
        assert found.points <= (2 if "equal" in name else 0)
    said = " ".join([*(r.reason for r in found.results), *found.notices])
    assert words in said


def test_after_all_attacks_honest_work_is_graded_as_ever(sandbox):
    assert lost(grade(solution(), sandbox, SMALL)) == {}


def test_only_the_part_that_ends_its_process_is_lost(sandbox):
    files = solution()
    text = files["pitfalls.py"].decode()
    mean = "    return torch.clamp(1 - output.reshape(-1) * labels.reshape(-1), min=0).mean()\n"
    assert mean in text
    files["pitfalls.py"] = text.replace(mean, "    __import__('os')._exit(0)\n").encode()
    assert lost(grade(files, sandbox, SMALL, parts_named(["3"]))) == {"3b": 12}


def test_a_worker_that_is_killed_is_replaced(sandbox):
    with sandbox.visit({"work.py": b"f = abs"}) as visit:
        visit.load("work")
    sandbox._process.kill()
    sandbox._process.wait()
    with sandbox.visit({"work.py": b"f = abs"}) as visit:
        visit.load("work")
        assert visit.ask([Call("f", (-2,))])[0].value == 2


def test_links_pipes_and_large_files_of_a_submission_are_not_read(tmp_path):
    (tmp_path / "secret").write_text("x")
    (tmp_path / "formulas.py").symlink_to(tmp_path / "secret")
    os.mkfifo(tmp_path / "pitfalls.py")
    (tmp_path / "cifar10.py").write_bytes(bytes(2**20 + 1))
    (tmp_path / "losses.json").write_text("{}")
    assert read_submission(tmp_path, FILES) == {"losses.json": b"{}"}


@pytest.mark.parametrize(
    "frame",
    [
        b"\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\0\0\0\x02\0\0\0\0[]",
        b"\0\0\0\x02\0\0\0\0{}",
        b"\0\0\0\x1a\0\0\0\0" + b'{"body": 1, "arrays": []}\n',
        b"\0\0\0\x2e\0\0\0\0" + b'{"body": [], "arrays": [["|O", [1]], ["<f8",1]]}'[:46],
        channel.pack({"a": np.ones(3)})[:-8],
    ],
)
def test_what_is_no_frame_is_refused_or_ends_the_talk(frame):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(frame)
        theirs.shutdown(socket.SHUT_WR)
        with contextlib.suppress(channel.ChannelError):
            assert channel.unpack(ours, 1 << 20) is None


def test_values_cross_the_channel_unchanged():
    ours, theirs = socket.socketpair()
    message = {
        "numbers": [1, -2.5, True, None, "text"],
        "fixed": ((1, 2), []),
        "arrays": np.arange(6, dtype="f4").reshape(2, 3),
        "inner": {"empty": np.empty((0, 3)), "yes": np.array(True)},
    }
    with ours, theirs:
        theirs.sendall(channel.pack(message))
        found = channel.unpack(ours, 1 << 20)
    assert found is not None
    assert [np.asarray(n).item() for n in found["numbers"][:2]] == [1, -2.5]
    assert found["numbers"][2:] == [True, None, "text"]
    assert found["fixed"] == ((1, 2), [])
    np.testing.assert_array_equal(found["arrays"], message["arrays"])
    assert found["arrays"].dtype == np.float32
    assert found["inner"]["empty"].shape == (0, 3)
    assert found["inner"]["yes"].dtype == bool


def test_the_layers_of_this_machine_hold_and_are_named(sandbox):
    with sandbox.visit({"work.py": b""}) as visit:
        visit.load("work")
    assert {"limits", "calls"} <= set(visit.layers)
