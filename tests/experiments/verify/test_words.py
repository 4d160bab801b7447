from itertools import product

import pytest

from pitfalls.experiments.verify import ClaimVerdict, VerifyResult
from pitfalls.experiments.verify.words import account, basis, outcome
from pitfalls.prose import Paragraph, plain
from tests.kinds import of_kind
from tests.report.forbidden import assert_well_formed


def verdict(claim, holds, expected, cases=1):
    return ClaimVerdict(
        claim, "Title", "2a", expected, holds, cases, 0.0, 0.0, None, "numeric", "Found."
    )


@pytest.mark.parametrize(
    ("holds", "expected", "word"),
    [
        (True, True, "holds"),
        (False, False, "false (expected)"),
        (False, True, "REFUTED"),
        (True, False, "HOLDS, SHOULD NOT"),
    ],
)
def test_the_verdict_in_words(holds, expected, word):
    assert verdict("a", holds, expected).word == word
    assert verdict("a", holds, expected).as_expected == (holds == expected)


def test_claims_that_should_fail_are_counted_apart_and_wrong_ones_named():
    one = VerifyResult((verdict("a", True, True),))
    assert plain(outcome(one)) == "1 of 1 checked claim came out as expected. "
    assert basis(one).n == "1 case"
    all_kinds = VerifyResult(
        (
            verdict("a", True, True, 3),
            verdict("b", False, False, 4),
            verdict("c", False, True, 5),
            verdict("d", True, False, 6),
        )
    )
    said = plain(outcome(all_kinds))
    assert "2 of 4 checked claims came out as expected. Of these, 1 is a statement that" in said
    assert "Not as expected: c and d. " in said
    assert basis(all_kinds).n == "18 cases"


def test_every_mixture_of_verdicts_is_told_in_clean_words():
    kinds = list(product((True, False), (True, False)))
    for n in range(4):
        for drawn in product(kinds, repeat=n):
            result = VerifyResult(
                tuple(
                    verdict(f"c{i}", holds, expected) for i, (holds, expected) in enumerate(drawn)
                )
            )
            (paragraph,) = account(result)
            said = plain(of_kind(Paragraph, paragraph).text)
            assert_well_formed(said)
            assert ("Not as expected" in said) == any(holds != due for holds, due in drawn)
            assert ("counterexample" in said) == ((False, False) in drawn)
