import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, make_dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from jaxtyping import Float

from pitfalls.errors import InputError, RunError
from pitfalls.runs import RunStore, plain
from pitfalls.runs.converter import Misfit
from pitfalls.runs.manifest import _is_part
from pitfalls.runs.records import decode, encode
from pitfalls.runs.results import pack_arrays, unpack_arrays
from pitfalls.runs.schema import schema_of
from tests.runs.forged import rewrite


@dataclass(frozen=True)
class Config:
    seed: int = 0
    run_name: str = "demo"


@dataclass(frozen=True)
class Learned:
    iterations: int
    rate: float


@dataclass(frozen=True)
class Failed:
    reason: str
    at: tuple[int, float]


@dataclass(frozen=True)
class Found:
    learned: bool
    risk: float
    note: str | None
    kind: Literal["minimum", "saddle", 3]
    outcome: Learned | Failed | None
    cells: tuple[Learned, ...]
    pair: tuple[int, str]
    by_name: Mapping[str, float]
    nested: Mapping[str, Mapping[str, int | float | bool | str | None]]
    anything: np.ndarray
    values: npt.NDArray[np.float64]
    layers: tuple[npt.NDArray[np.float32], ...]
    curve: Float[np.ndarray, "n 2"] | None


FLOATS = st.floats(allow_nan=True, allow_infinity=True)
TEXTS = st.text(st.characters(codec=None, exclude_categories=()), max_size=20)
LEARNED = st.builds(Learned, st.integers(), FLOATS)
ANY_DTYPE = st.one_of(
    hnp.boolean_dtypes(),
    hnp.integer_dtypes(endianness="?"),
    hnp.floating_dtypes(endianness="?"),
    hnp.complex_number_dtypes(),
    hnp.unicode_string_dtypes(max_len=5),
)


def arrays(dtype):
    shape = st.integers(0, 3).flatmap(lambda n: st.tuples(*[st.integers(0, 3)] * n))
    return hnp.arrays(dtype, shape)


FOUND = st.builds(
    Found,
    learned=st.booleans(),
    risk=FLOATS,
    note=st.none() | TEXTS,
    kind=st.sampled_from(["minimum", "saddle", 3]),
    outcome=st.none() | LEARNED | st.builds(Failed, TEXTS, st.tuples(st.integers(), FLOATS)),
    cells=st.lists(LEARNED, max_size=3).map(tuple),
    pair=st.tuples(st.integers(), TEXTS),
    by_name=st.dictionaries(TEXTS, FLOATS, max_size=3),
    nested=st.dictionaries(
        TEXTS | st.sampled_from(["$array", "$float", "$record", "$"]),
        st.dictionaries(
            TEXTS, st.integers() | FLOATS | st.booleans() | TEXTS | st.none(), max_size=3
        ),
        max_size=3,
    ),
    anything=ANY_DTYPE.flatmap(arrays),
    values=arrays(np.float64),
    layers=st.lists(arrays(np.float32), max_size=3).map(tuple),
    curve=st.none() | st.integers(0, 3).flatmap(lambda n: hnp.arrays(np.float64, (n, 2))),
)


def same(a, b):
    """Whether two results are equal, types and the bits of arrays and floats too."""
    if type(a) is not type(b):
        return False
    if dataclasses.is_dataclass(a):
        return all(same(getattr(a, f.name), getattr(b, f.name)) for f in dataclasses.fields(a))
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, float):
        return (math.isnan(a) and math.isnan(b)) or (a, math.copysign(1, a)) == (
            b,
            math.copysign(1, b),
        )
    return a == b


@pytest.fixture(scope="module")
def shared_store(tmp_path_factory):
    return RunStore(tmp_path_factory.mktemp("runs"))


@given(found=FOUND)
def test_what_is_written_is_read_back_whole_and_equal_bit_for_bit(found):
    value, arrays = encode(found)
    packed = unpack_arrays(pack_arrays(arrays))
    assert same(decode(plain.load(plain.dump(value)), packed, Found), found)


@settings(max_examples=10)
@given(found=FOUND)
def test_what_a_run_saves_it_loads_whole_and_equal_bit_for_bit(shared_store, found):
    with shared_store.open("test", Config(), fresh=True) as run:
        run.save(found)
    assert same(shared_store.find(run.id).load(Found), found)


EXAMPLE = Found(
    learned=True,
    risk=0.5,
    note=None,
    kind="saddle",
    outcome=Failed("no way", (1, math.nan)),
    cells=(Learned(3, math.inf),),
    pair=(1, "a"),
    by_name={"a": 1.0},
    nested={},
    anything=np.arange(3),
    values=np.ones((2, 2)),
    layers=(np.zeros(2, np.float32),),
    curve=None,
)


@pytest.fixture
def run(tmp_path):
    with RunStore(tmp_path).open("test", Config(), command="pitfalls test") as run:
        run.save(EXAMPLE)
    return run


def test_parts_are_kept_apart_and_has_says_what_is_there(tmp_path):
    with RunStore(tmp_path).open("test", Config()) as run:
        for name in ("cell-a", "cell-b"):
            assert not run.has(Learned, part=name)
            run.save(Learned(len(name), ord(name[-1])), part=name)
        assert run.has(Learned, part="cell-a")
        assert not run.has(Learned)
        assert not run.has(Failed)
        assert run.load(Learned, part="cell-b") == Learned(6, 98.0)
        with pytest.raises(InputError, match="letters, digits"):
            run.save(Learned(1, 1.0), part="../x")


def test_a_result_saved_again_replaces_the_one_before_and_its_arrays(tmp_path):
    with RunStore(tmp_path).open("test", Config()) as run:
        run.save(EXAMPLE)
        later = dataclasses.replace(EXAMPLE, anything=np.arange(4))
        run.save(later)
        assert same(run.load(Found), later)
        assert len(list((run.path / "results").glob("*.npz"))) == 1


def test_numpy_scalars_and_whole_numbers_take_the_type_of_their_field():
    written, _ = encode(Learned(np.int64(3), 2))  # type: ignore[arg-type]
    assert same(decode(written, {}, Learned), Learned(3, 2.0))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"learned": 1}, "expected bool, got int 1 @ Found.learned"),
        ({"risk": "0.5"}, "expected float, got str '0.5' @ Found.risk"),
        ({"risk": 2**60 + 1}, "expected float, got int"),
        ({"note": 3}, "expected one of str, NoneType, got int 3 @ Found.note"),
        ({"kind": "maximum"}, "got str 'maximum' @ Found.kind"),
        ({"outcome": (1, 2)}, r"expected one of Learned, Failed, NoneType, got tuple"),
        ({"cells": [Learned(1, 1.0)]}, r"expected a tuple, got list .* @ Found.cells"),
        (
            {"cells": (Learned(1.5, 1.0),)},  # type: ignore[arg-type]
            r"expected int, got float 1.5 @ Found.cells\[0\].iterations",
        ),
        ({"cells": ({"iterations": 1, "rate": 1.0},)}, r"expected Learned, got dict"),
        ({"outcome": {"iterations": 1, "rate": 1.0}}, r"expected one of Learned, .* got dict"),
        ({"pair": (1,)}, r"expected a tuple of 2 values, got tuple \(1,\) @ Found.pair"),
        ({"by_name": {1: 1.0}}, "mapping with text for keys"),
        ({"by_name": {"a": None}}, r"expected float, got NoneType None @ Found.by_name\['a'\]"),
        ({"anything": np.array([{}])}, "an array of objects @ Found.anything"),
        ({"anything": [1.0]}, r"expected a NumPy array, got list \[1.0\] @ Found.anything"),
        ({"anything": np.ma.masked_array([1.0])}, "expected a NumPy array"),
        ({"values": np.ones(2, np.float32)}, "expected an array of float64, got one of float32"),
        ({"curve": np.ones((2, 3))}, r"expected Float\[ndarray, 'n 2'\], got shape \(2, 3\)"),
    ],
)
def test_a_value_that_does_not_fit_its_type_is_refused_with_its_field(tmp_path, change, complaint):
    with RunStore(tmp_path).open("test", Config()) as run:
        with pytest.raises(RunError, match="Found cannot be saved: .*" + complaint):
            run.save(dataclasses.replace(EXAMPLE, **change))
        assert not run.has(Found)


def test_a_subclass_in_the_place_of_a_record_is_refused_because_it_would_lose_fields():
    @dataclass(frozen=True)
    class More(Learned):
        extra: int = 1

    with pytest.raises(Misfit, match=r"expected Learned, got More .*Found.cells\[0\]"):
        encode(dataclasses.replace(EXAMPLE, cells=(More(1, 2.0),)))


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ([("a", list[int])], r"R\.a: the type list\[int\] has no written form"),
        ([("a", object)], "no written form"),
        ([("a", tuple[int, ...] | tuple[str, ...])], "cannot be told apart"),
        ([("a", int, dataclasses.field(init=False, default=1))], "init=False"),
    ],
)
def test_a_type_that_has_no_written_form_is_refused_by_name(fields, complaint):
    with pytest.raises(InputError, match=complaint):
        schema_of(make_dataclass("R", fields, frozen=True))


def test_records_of_one_name_from_two_modules_cannot_be_told_apart():
    one, other = (make_dataclass("R", [("a", int)], frozen=True) for _ in range(2))
    one.__module__, other.__module__ = "here", "elsewhere"
    with pytest.raises(InputError, match="cannot be told apart"):
        schema_of(make_dataclass("S", [("r", one | other)], frozen=True))


def test_a_result_without_arrays_has_no_file_for_them(tmp_path):
    with RunStore(tmp_path).open("test", Config()) as run:
        run.save(Learned(1, 1.0))
    assert [path.suffix for path in (run.path / "results").iterdir()] == [".json"]


def test_a_list_is_part_of_a_list_of_its_length_alone():
    assert _is_part({"widths": [1, 2]}, {"widths": [1, 2], "device": "cpu"})
    assert not _is_part({"widths": [1]}, {"widths": [1, 2]})
    assert not _is_part({"widths": []}, {"widths": [1]})


def test_only_frozen_dataclasses_are_results():
    with pytest.raises(InputError, match="must be a frozen dataclass"):
        encode({"risk": 1})
    with pytest.raises(InputError, match="must be a frozen dataclass"):
        encode(make_dataclass("R", [("a", int)])(1))


def test_the_fingerprint_changes_with_names_and_types_of_fields_and_with_nothing_else():
    def shape(*fields, name="R"):
        return schema_of(make_dataclass(name, fields, frozen=True)).fingerprint

    base = shape(("a", int), ("b", float))
    assert shape(("a", int), ("b", float, 3.0)) == base
    others = [
        shape(("a", int), ("c", float)),
        shape(("a", int), ("b", float | None)),
        shape(("a", int)),
        shape(("a", int), ("b", npt.NDArray[np.float64])),
        shape(("a", int), ("b", npt.NDArray[np.float32])),
        shape(("a", int), ("b", Learned)),
        shape(("a", int), ("b", Failed)),
        shape(("a", int), ("b", Literal["x"])),
    ]
    assert len({base, *others}) == 1 + len(others)


def change_saved(run, change):
    """Change the written result as other code might have written it."""
    (name,) = [n for n in run.manifest.files if n.endswith(".json")]
    content = json.loads((run.path / name).read_text())
    change(content)
    rewrite(run, name, json.dumps(content).encode())


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda c: c["value"].pop("risk"), "lacks the field risk @ Found"),
        (lambda c: c["value"].update(more=1), "has the unknown field more @ Found"),
        (lambda c: c["value"].update(risk=None), "expected float, got NoneType None @ Found.risk"),
        (lambda c: c["value"]["cells"][0].pop("rate"), r"lacks the field rate @ Found.cells\[0\]"),
        (
            lambda c: c["value"]["outcome"].update({"$record": ["Other", {}]}),
            "got a Other @ Found.outcome",
        ),
        (lambda c: c["value"].update(values={"$array": "gone"}), "the array gone is not there"),
        (
            lambda c: c["value"].update(risk={"$float": "seven"}),
            "it holds no number but 'seven'",
        ),
        (
            lambda c: c["value"].update(outcome={"$record": 3}),
            "expected a record's name and fields",
        ),
    ],
)
def test_an_unknown_or_missing_field_or_another_type_is_an_error_with_run_field_and_remedy(
    run, change, complaint
):
    change_saved(run, change)
    with pytest.raises(RunError) as caught:
        run.load(Found)
    assert caught.match(complaint)
    assert caught.match(f"run {run.id}: ")
    assert caught.match(r"Make it anew: pitfalls test --fresh")


def test_an_older_shape_is_refused_by_name_or_read_by_its_migration(run):
    today = str(schema_of(Found))
    older = f"{Found.__module__}.Found@000000000000"

    def age(content):
        content["schema"] = older
        content["value"]["hazard"] = content["value"].pop("risk")

    change_saved(run, age)
    with pytest.raises(RunError, match=f"older shape {older}, this version reads {today}.*--fresh"):
        run.load(Found)

    def from_hazard(fields):
        assert isinstance(fields["values"], np.ndarray)
        return dataclasses.replace(EXAMPLE, risk=fields["hazard"] * 2, values=fields["values"])

    migrated = run.load(Found, migrations={older: from_hazard})
    assert same(migrated, dataclasses.replace(EXAMPLE, risk=1.0))


def test_a_result_that_is_not_there_is_one_line(run):
    with pytest.raises(RunError, match=r"has no Learned yet.*--fresh"):
        run.load(Learned)


@pytest.mark.parametrize("suffix", ["json", "npz"])
def test_no_flipped_bit_in_a_result_or_its_arrays_is_read(run, suffix):
    (path,) = (run.path / "results").glob(f"*.{suffix}")
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    for position in rng.choice(len(whole), 200):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << rng.integers(8)
        path.write_bytes(damaged)
        with pytest.raises(RunError, match="is damaged"):
            run.load(Found)
