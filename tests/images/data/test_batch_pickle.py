"""The pickle reader reads what it should and can run nothing."""

import pickle
import pickletools
import struct
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pitfalls.errors import DataError
from pitfalls.images.data.batch_pickle import read_batch_pickle
from tests.kinds import of_kind


def batch(n=4):
    rng = np.random.default_rng(0)
    return {
        "data": rng.integers(0, 256, (n, 12), dtype=np.uint8),
        "labels": list(range(n)),
        "batch_label": "training batch 1 of 5",
        "filenames": [f"image_{i}.png" for i in range(n)],
    }


def python2_batch():
    """The layout of the official files: protocol 2 as Python 2 wrote it, bytes as strings."""
    pixels = bytes(range(12))
    return (
        b"\x80\x02}q\x01(U\x04dataq\x02cnumpy.core.multiarray\n_reconstruct\nq\x03"
        b"cnumpy\nndarray\nq\x04K\x00\x85U\x01b\x87Rq\x05(K\x01K\x03K\x04\x86cnumpy\ndtype\n"
        b"q\x06U\x02u1K\x00K\x01\x87Rq\x07(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        b"\x89T"
        + struct.pack("<i", len(pixels))
        + pixels
        + b"tbU\x06labels]q\x08(K\x01K\x02K\x03eu."
    )


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("keys", [str, str.encode])
def test_reads_what_any_numpy_writes(protocol, order, keys):
    content = batch()
    content["data"] = np.asarray(content["data"], order=order)
    raw = pickle.dumps({keys(k): v for k, v in content.items()}, protocol=protocol)
    read = read_batch_pickle(raw, "file")
    assert read.keys() == content.keys()
    assert read["labels"] == content["labels"]
    assert read["filenames"] == content["filenames"]
    np.testing.assert_array_equal(read["data"], content["data"])
    assert of_kind(np.ndarray, read["data"]).dtype == np.uint8


def test_reads_what_python_2_wrote():
    read = read_batch_pickle(python2_batch(), "file")
    np.testing.assert_array_equal(read["data"], np.arange(12, dtype=np.uint8).reshape(3, 4))
    assert read["labels"] == [1, 2, 3]


def shaped(shape):
    return python2_batch().replace(b"K\x03K\x04\x86", shape)


class Reduces:
    """Pickles into a call of ``function(*arguments)``."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


ran: list[tuple[object, ...]] = []


def boom(*arguments):
    ran.append(arguments)
    return arguments


def attacks():
    target = b"c" + __name__.encode() + b"\nboom\n"
    big = (1 << 62).to_bytes(8, "little")
    return {
        "reduce": pickle.dumps({"data": Reduces(boom, 1)}, protocol=2),
        "reduce in protocol 4": pickle.dumps({"data": Reduces(boom, 1)}, protocol=4),
        "eval": pickle.dumps({"data": Reduces(eval, f"__import__({__name__!r}).boom()")}),
        "global in protocol 0": target + b"(I1\ntR.",
        "inst": b"(i" + __name__.encode() + b"\nboom\n.",
        "obj": b"(" + target + b"o.",
        "newobj": b"\x80\x02" + target + b")\x81.",
        "newobj_ex": b"\x80\x04" + target + b")}\x92.",
        "build with a state": b"\x80\x02" + target + b"}b.",
        "build an array's dict": b"\x80\x02cnumpy\nndarray\n}U\x01aK\x01sb.",
        "copyreg extension": b"\x80\x02\x82\x01.",
        "copyreg extension, 4 bytes": b"\x80\x02\x84\x01\x00\x00\x00.",
        "copyreg._reconstructor": b"\x80\x02ccopyreg\n_reconstructor\n(" + target + b"NNtR.",
        "persistent id": b"\x80\x02Pname\n.",
        "persistent id from the stack": b"\x80\x02K\x01Q.",
        "next buffer": b"\x80\x05\x97.",
        "dotted name": b"\x80\x04\x8c\x05numpy\x8c\x0ccore.os.path\x93.",
        "codecs other than latin1": b"\x80\x02c_codecs\nencode\nX\x01\x00\x00\x00aU\x04utf7\x86R.",
        "numpy.load": b"\x80\x02cnumpy\nload\nU\x06/etc/x\x85R.",
        "object dtype": pickle.dumps({"data": np.array([boom, 1], dtype=object)}, protocol=2),
        "float dtype": pickle.dumps({"data": np.zeros(3)}, protocol=2),
        "int8 dtype": pickle.dumps({"data": np.zeros(3, np.int8)}, protocol=2),
        "huge bytes": b"\x80\x04}\x8c\x01a\x8e" + big + b"xs.",
        "huge bytearray": b"\x80\x05}\x8c\x01a\x96" + big + b"xs.",
        "huge text": b"\x80\x04}\x8d" + big + b"x.",
        "huge frame": b"\x80\x04\x95" + big + b"}.",
        "negative string": b"\x80\x02T\xff\xff\xff\xff}.",
        "huge integer": b"\x80\x02\x8b\xff\xff\xff\x7f1.",
        "long integer": b"\x80\x02}U\x01a\x8a\xff" + b"\x01" * 255 + b"s.",
        "huge shape": shaped(b"J\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x86"),
        "negative shape": shaped(b"J\xfd\xff\xff\xffJ\xfc\xff\xff\xff\x86"),
        "shape by bool": shaped(b"\x88K\x0c\x86"),
        "many tuples": b"\x80\x02" + b")\x85" * 50 + b".",
        "deep brackets": b"\x80\x02" + b"(" * 100_000 + b".",
        "list in itself": b"\x80\x02}U\x01a]q\x00h\x00as.",
        "dict of dicts": b"\x80\x02}U\x01a}s.",
        "tuple as key": b"\x80\x02})K\x01s.",
        "memo never set": b"\x80\x02h\x07.",
        "empty stack": b"\x80\x02R.",
        "mark never opened": b"\x80\x02te.",
        "two values": b"\x80\x02}}.",
        "not a dict": b"\x80\x02]K\x01a.",
        "no stop": b"\x80\x02}",
        "nothing": b"",
        "future protocol": b"\x80\x09}.",
        "name without end": b"\x80\x02c" + b"a" * 1000,
        "text that is not text": b"\x80\x02X\x01\x00\x00\x00\xff.",
        "none": b"\x80\x02}U\x01aNs.",
        "name as value": b"\x80\x02}U\x01acnumpy\ndtype\ns.",
        "array without content": b"\x80\x02}U\x01acnumpy.core.multiarray\n_reconstruct\n"
        b"cnumpy\nndarray\nK\x00\x85U\x01b\x87Rs.",
    }  # fmt: skip


@pytest.mark.parametrize("name", attacks())
def test_attack_is_refused_in_one_line_and_runs_nothing(name):
    raw = attacks()[name]
    ran.clear()
    before = set(sys.modules)
    with pytest.raises(DataError) as raised:
        read_batch_pickle(raw, "data_batch_1")
    message = str(raised.value)
    assert message.startswith("data_batch_1 is not a CIFAR-10 batch")
    assert "\n" not in message
    assert len(message) < 300
    assert not ran
    assert set(sys.modules) == before


def test_real_pickle_would_have_run_the_attack():
    ran.clear()
    pickle.loads(attacks()["reduce"])
    assert ran == [(1,)]


def test_repeated_unpacking_is_bounded_by_the_size_of_the_file():
    text = "a" * 100_000
    load = b"c_codecs\nencode\nq\x00X" + struct.pack("<I", len(text)) + text.encode() + b"q\x01"
    once = b"h\x00h\x01X\x06\x00\x00\x00latin1\x86R"
    with pytest.raises(DataError, match="unpacks to more"):
        read_batch_pickle(b"\x80\x02" + load + once * 1000 + b".", "file")


def test_endless_opcodes_are_bounded(monkeypatch):
    monkeypatch.setattr("pitfalls.images.data.batch_pickle.MAX_OPCODES", 1000)
    with pytest.raises(DataError, match="more than 1,000 opcodes"):
        read_batch_pickle(b"\x80\x02" + b"}" * 2000 + b".", "file")


@settings(max_examples=300, deadline=None)
@given(
    at=st.integers(0, len(python2_batch()) - 1),
    value=st.integers(0, 255),
    keep=st.integers(0, len(python2_batch())),
)
def test_damage_anywhere_is_read_or_refused_but_never_raises_otherwise(at, value, keep):
    lines = []
    raw = bytearray(python2_batch())
    raw[at] = value
    try:
        read_batch_pickle(bytes(raw[:keep]), "file")
    except DataError as error:
        lines.append(str(error).count("\n"))
    assert not any(lines)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(raw):
    lines = []
    try:
        read_batch_pickle(b"\x80\x02" + raw, "file")
    except DataError as error:
        lines.append(str(error).count("\n"))
    assert not any(lines)


def test_every_opcode_that_is_read_is_one_that_pickle_knows():
    from pitfalls.images.data.batch_pickle import OPCODES

    known = {ord(op.code) for op in pickletools.opcodes}
    assert set(OPCODES) <= known
