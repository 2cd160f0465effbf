"""Logic with three values: what is known, and what is worth finding out."""

from itertools import product
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from imapbox.model.criteria import And, BodyHas, Criterion, Not, Or
from imapbox.query.program import NO, UNKNOWN, YES, Program
from tests.support.criteria import trees

LEAVES = tuple(BodyHas(name) for name in "abcd")
VALUES = (NO, UNKNOWN, YES)
TREES = trees(st.sampled_from(LEAVES))


def holds(criterion: Criterion, truth: dict[Criterion, bool]) -> bool:
    """What the criterion means, said once more."""
    match criterion:
        case And(parts):
            return all(holds(part, truth) for part in parts)
        case Or(parts):
            return any(holds(part, truth) for part in parts)
        case Not(part):
            return not holds(part, truth)
    return truth[criterion]


def answers_of(program: Program, known: list[tuple[Any, ...]]) -> Any:
    """Put what is known of each message into columns."""
    return np.array(known, np.int8).reshape(len(known), len(program.leaves)).T


@given(TREES)
def test_what_is_known_is_what_follows(criterion: Criterion) -> None:
    """A criterion is known to hold, or not, only where no answer can change it."""
    program = Program(criterion)
    size = len(program.leaves)
    known = list(product(VALUES, repeat=size))
    values = program.values(answers_of(program, known))[-1]
    for each, value in zip(known, values.tolist(), strict=True):
        completed = {
            holds(criterion, dict(zip(program.leaves, truth, strict=True)))
            for truth in product((False, True), repeat=size)
            if all(
                answer == UNKNOWN or (answer == YES) == so
                for answer, so in zip(each, truth, strict=True)
            )
        }
        if value != UNKNOWN:
            assert completed == {value == YES}
        elif UNKNOWN not in each:
            raise AssertionError("everything is known, and nothing follows")


@given(TREES)
def test_only_what_decides_is_wanted(criterion: Criterion) -> None:
    """Nothing known is wanted, nor where all is settled; what is open is wanted."""
    program = Program(criterion)
    known = list(product(VALUES, repeat=len(program.leaves)))
    answers = answers_of(program, known)
    values = program.values(answers)
    wanted = program.wanted(values)
    assert not (wanted & (answers != UNKNOWN)).any()
    assert (wanted.any(axis=0) == (values[-1] == UNKNOWN)).all()


@given(TREES, st.data())
def test_asking_what_is_wanted_settles_it(criterion: Criterion, data: Any) -> None:
    """Whoever answers what is wanted, one by one, comes to the truth."""
    program = Program(criterion)
    truth = {leaf: data.draw(st.booleans()) for leaf in program.leaves}
    answers = answers_of(program, [(UNKNOWN,) * len(program.leaves)])
    while (values := program.values(answers))[-1, 0] == UNKNOWN:
        wanted = np.flatnonzero(program.wanted(values)[:, 0])
        leaf = data.draw(st.sampled_from(wanted.tolist()))
        answers[leaf, 0] = YES if truth[program.leaves[leaf]] else NO
    assert (values[-1, 0] == YES) == holds(criterion, truth)


def test_a_half_that_is_settled_is_not_looked_at() -> None:
    """What stands in a half that is settled is not wanted, open as it is."""
    a, b, c, _ = LEAVES
    program = Program(Or((And((a, b)), And((Not(a), c)))))
    assert program.leaves == [a, b, c]
    wanted = program.wanted(program.values(answers_of(program, [(YES, 0, 0)])))
    assert wanted[:, 0].tolist() == [False, True, False]


def test_the_deepest_criterion_needs_no_stack() -> None:
    """A criterion a hundred thousand deep is a program like any other."""
    criterion: Criterion = LEAVES[0]
    program = Program(LEAVES[0])
    # Python could not even hash such a tree; steps are made of it nevertheless.
    for number in range(50_000):
        criterion = Not(criterion) if number % 2 else And((criterion,))
    program = Program(criterion)
    assert program.leaves == [LEAVES[0]]
    assert program.values(np.array([[YES]], np.int8))[-1, 0] == -((-1) ** (25_000 + 1))
    while isinstance(criterion, And | Not):  # so that it is freed piece by piece
        criterion = (
            criterion.criteria[0] if isinstance(criterion, And) else criterion.criterion
        )
