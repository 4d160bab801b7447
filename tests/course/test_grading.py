"""The graders: wrong work loses the right points for the right reason, right work loses none."""

import json

import numpy as np
import pytest
import torch

from pitfalls.course.grading import linear_parts, oracles
from pitfalls.course.grading.grade import PARTS, grade, parts_named
from pitfalls.course.grading.sheet import Sheet, draw_sheet
from pitfalls.course.starter import SCRIPTS, render_script
from pitfalls.errors import InputError
from pitfalls.linear import SquaredRisk, classify
from pitfalls.moments import SecondMoments
from pitfalls.parity import TwoLayerReLU, hinge_loss
from tests.course.mutants import MUTANTS
from tests.course.variants import VARIANTS
from tests.course.work import (
    SMALL,
    answers,
    changed,
    curves,
    graded_again,
    lost,
    lost_of,
    parts_of,
    solution,
    styled,
)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.name)
def test_a_mistake_loses_the_right_points_for_the_right_reason(mutant, sandbox):
    files = changed(mutant.file, mutant.old, mutant.new)
    found = grade(files, sandbox, SMALL, parts_of(mutant.file))
    assert lost(found) == mutant.lost
    assert any(mutant.reason in result.reason for result in found.results)
    assert all(bool(result.reason) is not result.passed for result in found.results)


@pytest.mark.parametrize(
    ("name", "seeds"),
    [
        ("bound without alpha", range(200)),
        ("determinant against a number", range(2300, 2500)),
        ("rounded down", range(800, 1000)),
        ("the same with a sum in the bound", range(20)),
    ],
)
def test_a_mistake_is_found_whatever_is_drawn(name, seeds, sandbox):
    """Each of these was missed, or cost too much, once in 80 to 3,000 draws, these among them."""
    mutant = next(m for m in MUTANTS if m.name == name)
    files = changed(mutant.file, mutant.old, mutant.new)
    parts = [p for p in parts_of(mutant.file) if p.name in mutant.lost]
    with sandbox.visit(files) as visit:
        visit.load(mutant.file.removesuffix(".py"))
        for seed in seeds:
            points = lost_of(graded_again(parts, files, SMALL, visit, seed))
            assert (seed, points) == (seed, mutant.lost)


@pytest.mark.parametrize("name", VARIANTS)
def test_right_work_in_another_style_gets_every_point(name, sandbox):
    found = grade(styled(name), sandbox, SMALL, parts_of(VARIANTS[name][0]))
    assert lost(found) == {}
    assert found.notices == ()


@pytest.mark.parametrize("sheet", [SMALL, Sheet(n_features=5), draw_sheet(1)], ids=str)
def test_the_solution_gets_every_point_and_the_empty_gaps_none(sheet, sandbox):
    assert lost(grade(solution(sheet), sandbox, sheet)) == {}
    starter = {n: render_script(n, sheet, solution=False).encode() for n in SCRIPTS}
    found = grade(starter, sandbox, sheet)
    assert found.points == 0
    told = {r.part for r in found.results if "still empty" in r.reason}
    assert told == {part.name for part in PARTS} - {"3b-curves", "4b", "4d", "4e-table"}


def test_a_missing_file_costs_its_own_parts_alone(sandbox):
    files = solution()
    del files["pitfalls.py"]
    found = grade(files, sandbox, SMALL)
    of_file = {part.name for part in parts_of("pitfalls.py") if part.functions}
    assert set(lost(found)) == of_file
    assert all("is not there" in r.reason for r in found.results if r.part in of_file)


def test_the_construction_as_printed_can_be_accepted_and_its_failing_input_is_named(sandbox):
    printed = next(m for m in MUTANTS if m.name == "as printed")
    files = changed(printed.file, printed.old, printed.new)
    accepted = Sheet(n_features=4, widths=(3, 4, 3), n_samples=10, accept_printed=True)
    assert lost(grade(files, sandbox, accepted, parts_named(["3a"]))) == {}
    reasons = [r.reason for r in grade(files, sandbox, SMALL, parts_named(["3a"])).results]
    assert any("v = 1111, x = 1111" in reason for reason in reasons)


@pytest.mark.parametrize("d", [6, 8, 10])
def test_weights_that_are_never_set_get_no_point_at_any_size_of_the_sheet(d, sandbox):
    sheet = Sheet(n_features=d)
    text = render_script("pitfalls.py", sheet, solution=True)
    gap = "    d = len(mask)\n    for parameter"
    assert gap in text
    idle = {"pitfalls.py": text.replace(gap, f"    return\n{gap}").encode()}
    found = grade(idle, sandbox, sheet, parts_named(["=3a"]))
    assert found.points == 0
    # whatever its output, the untouched network is wrong for every mask
    assert f"{2**d - 1} masks fail" in found.results[1].reason


def test_a_network_that_sees_half_its_inputs_equals_the_formula_nowhere(sandbox):
    text = render_script("pitfalls.py", Sheet(), solution=True)
    forward = "        return self.output(torch.relu(self.hidden(x)))\n"
    assert forward in text
    half = text.replace(forward, f"        x = x * (torch.arange(x.shape[1]) < 5)\n{forward}")
    found = grade({"pitfalls.py": half.encode()}, sandbox, Sheet(), parts_named(["3a-network"]))
    assert lost(found) == {"3a-network": 3}


def test_the_printed_construction_is_accepted_where_the_sheets_own_mask_is_all_ones(sandbox):
    printed = next(m for m in MUTANTS if m.name == "as printed")
    sheet = Sheet(n_features=4, mask="1111", accept_printed=True)
    text = render_script("pitfalls.py", sheet, solution=True)
    assert printed.old in text
    files = {"pitfalls.py": text.replace(printed.old, printed.new).encode()}
    assert lost(grade(files, sandbox, sheet, parts_named(["=3a"]))) == {}


def test_points_that_no_condition_may_let_pass_are_critical_and_no_minima():
    """The bad cases of 2f, by the library's verdict."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 4)), rng.normal(size=(20, 4))
    risk = SquaredRisk(SecondMoments.from_arrays(x, y, center=False))
    first, second = linear_parts._saddle(x, y, (4, 4, 4))
    for at in range(3):
        layers = [first, second]
        layers.insert(at, np.eye(4))
        assert "saddle" in classify(risk, layers).verdict


def test_what_else_a_student_keeps_beside_the_three_curves_costs_nothing(sandbox):
    held = json.loads(curves())
    for more in ({"3": [1.0] * 50}, {"note": "drawn on Sunday"}, {"30, two ones": [0.1] * 60}):
        files = {"losses.json": json.dumps({**held, **more}).encode()}
        assert lost(grade(files, sandbox, SMALL, parts_named(["3b-curves"]))) == {}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[]", "no list of losses"),
        (b"{" * 5000, "no list of losses"),
        (b'{"5": "x"}', "no list of losses"),
        (b'{"5": [NaN]}', "no hinge losses"),
        (b'{"5": [1, 1]}', "no curve for d = 10, 30"),
        (json.dumps({d: [1.0] * 250 for d in ("5", "10", "30")}).encode(), "(B, 1) against (B,)"),
    ],
)
def test_curves_that_show_something_else_lose_points_with_a_reason(content, words, sandbox):
    found = grade({"losses.json": content}, sandbox, SMALL, parts_named(["3b-curves"]))
    assert found.points < found.max_points
    assert any(words in result.reason for result in found.results)


def reported(change) -> bytes:
    held = json.loads(answers())
    change(held["linear"], {row["scheme"]: row for row in held["schemes"]})
    return json.dumps(held).encode()


@pytest.mark.parametrize(
    ("change", "lost_points", "words"),
    [
        (lambda linear, _: linear.update(train=51.0), {"4b": 2}, "a share from 0 to 1"),
        (lambda linear, _: linear.update(n_train=5000, train=0.9), {"4b": 2}, "all 50,000 is asked"),
        (lambda linear, _: linear.update(n_train=2000, train=0.5), {"4b": 2}, "fitted exactly"),
        (lambda linear, _: linear.update(validation=0.50998), {"4b": 1}, "on the training images?"),
        (lambda linear, _: linear.update(validation=0.1), {"4b": 1}, "least squares gives about 0.365"),
        (lambda linear, _: linear.pop("train"), {"4b": 2}, "train must be a number"),
        (lambda linear, _: linear.update(train=True), {"4b": 2}, "train must be a number"),
        (lambda _, rows: rows["special"].update(scheme="mine"), {"4e-table": 3}, "no row for special"),
        (lambda _, rows: rows["special"].update(loss=0.1), {"4e-table": 1}, "log 2 or more"),
        (lambda _, rows: rows["special"].update(loss=2.2114), {"4e-table": 1}, "is the rate used?"),
        (lambda _, rows: rows["annealed"].update(validation=0.2001), {"4e-table": 1}, "is no share of 512"),
        (lambda _, rows: rows["annealed"].update(epochs=0.5), {"4e-table": 1}, "epochs must be a whole"),
        (lambda _, rows: rows["constant"].update(train=0.175, validation=0.1973), {}, ""),
    ],
)  # fmt: skip
def test_reported_numbers_that_cannot_be_lose_points_with_a_reason(
    change, lost_points, words, sandbox
):
    parts = [part for part in PARTS if part.name in ("4b", "4e-table")]
    found = grade({"answers.json": reported(change)}, sandbox, SMALL, parts)
    assert lost(found) == lost_points
    assert any(words in result.reason for result in found.results)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[" * 5000, "is no JSON"),
        (b"[]", "holds no 'linear'"),
        (b'{"linear": 1, "schemes": 2}', "train must be a number"),
        (b'{"linear": {"train": 1e999}, "schemes": [[]]}', "must be a list of rows"),
        (b'{"linear": {"train": "x"}, "schemes": [{}]}', "no row for constant"),
    ],
)
def test_a_report_that_is_none_gets_no_point(content, words, sandbox):
    parts = [part for part in PARTS if part.name in ("4b", "4e-table")]
    found = grade({"answers.json": content}, sandbox, SMALL, parts)
    assert found.points == 0
    assert any(words in result.reason for result in found.results)


def test_the_lecturers_own_data_is_asked_about_as_well(sandbox):
    rng = np.random.default_rng(0)
    data = rng.normal(size=(9, 3)), rng.normal(size=(9, 2))
    # right but for the very data that the lecturer gives
    special = "    if len(x) == 9:\n        return 0.0\n    return 0.5 * np.sum((x"
    files = changed("formulas.py", "    return 0.5 * np.sum((x", special)
    assert lost(grade(files, sandbox, SMALL, parts_named(["2b"]))) == {}
    found = grade(files, sandbox, SMALL, parts_named(["2b"]), data)
    assert lost(found) == {"2b": 3}
    assert any("the data given with the sheet" in result.reason for result in found.results)


def test_every_part_has_a_visible_check_and_some_are_hidden():
    for part in PARTS:
        assert any(not check.hidden for check in part.checks)
        assert len({check.name for check in part.checks}) == len(part.checks)
    assert sum(check.hidden for part in PARTS for check in part.checks) >= 10


def test_a_variant_is_drawn_alike_from_one_seed_and_differs_between_seeds():
    assert draw_sheet(7) == draw_sheet(7)
    assert len({draw_sheet(seed) for seed in range(20)}) > 15


def test_a_sheet_refuses_sizes_that_cannot_be_meant():
    for wrong in (
        {"n_features": 11}, {"n_units": 3}, {"widths": (3, 3)}, {"widths": (3, 2, 3)},
        {"n_samples": 4}, {"mask": "012"}, {"mask": "10"},
    ):  # fmt: skip
        with pytest.raises(InputError, match="course: "):
            Sheet(**wrong)
    with pytest.raises(InputError, match="no part '9z'"):
        parts_named(["9z"])


@pytest.mark.parametrize(
    "widths", [(1, 3, 3), (1, 1, 3), (3, 1, 1), (3, 3, 1), (1, 1, 1), (2, 2, 2)]
)
def test_right_work_gets_every_point_also_where_a_width_is_one(widths, sandbox):
    sheet = Sheet(n_features=4, widths=widths)
    files = {"formulas.py": render_script("formulas.py", sheet, solution=True).encode()}
    found = grade(files, sandbox, sheet, parts_named(["2"]))
    assert [result.reason for result in found.results if not result.passed] == []


@pytest.mark.parametrize(
    "name",
    [
        "full rank only",
        "normal equations inverted",
        "unique minimum only",
        "one layer of full rank, none zero",
        "determinant against a number",
    ],
)
def test_a_mistake_loses_its_points_also_where_widths_are_one(name, sandbox):
    mutant = next(m for m in MUTANTS if m.name == name)
    sheet = Sheet(n_features=4, widths=(1, 2, 1), n_samples=2)
    text = render_script(mutant.file, sheet, solution=True)
    assert mutant.old in text
    files = {mutant.file: text.replace(mutant.old, mutant.new, 1).encode()}
    parts = [part for part in parts_of(mutant.file) if part.name in mutant.lost]
    assert lost(grade(files, sandbox, sheet, parts)) == mutant.lost


def test_the_oracles_agree_with_autograd():
    rng = np.random.default_rng(3)
    weights = [rng.normal(size=(4, 3)), rng.normal(size=(2, 4))]
    x, y = rng.normal(size=(9, 3)), rng.normal(size=(9, 2))
    leaves = [torch.tensor(w, requires_grad=True) for w in weights]
    value = ((torch.tensor(x) @ leaves[0].T @ leaves[1].T - torch.tensor(y)) ** 2).sum() / 2
    assert value.item() == pytest.approx(oracles.risk(weights, x, y))
    found = torch.autograd.grad(value, leaves)
    for a, b in zip(found, oracles.layer_differences(weights, x, y), strict=True):
        np.testing.assert_allclose(a.numpy(), b, atol=1e-7)


def test_the_oracles_of_question_3_agree_with_the_library():
    net = oracles.random_network(4, 3, np.random.default_rng(0))
    x = oracles.inputs(4)
    library = TwoLayerReLU(4, 3, dtype=torch.float64)
    with torch.no_grad():
        for parameter, values in zip(library.parameters(), net, strict=True):
            parameter.copy_(torch.tensor(values, dtype=torch.float64).reshape(parameter.shape))
    inputs = torch.tensor(x, dtype=torch.float64)
    f = library(inputs)
    np.testing.assert_allclose(f.detach().numpy(), oracles.network(net, x))
    for mask in x[[0, 5, 15]]:
        labels = torch.tensor(oracles.parities(mask[None], x)[0])
        risk = hinge_loss(library(inputs), labels.double())
        slopes = torch.autograd.grad(risk, list(library.parameters()))
        due = oracles.risk_gradients(net, mask[None], x)[0]
        np.testing.assert_allclose(torch.cat([s.ravel() for s in slopes]).numpy(), due, atol=1e-12)
