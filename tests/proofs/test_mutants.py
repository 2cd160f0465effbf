"""The proofs fail where the product has a mistake: a survivor fails here."""

import random
from collections.abc import Callable
from typing import Final, TypeAlias

import pytest

from tests.conftest import EFFORT, SEED
from tests.simulation.mutants import MUTANTS
from tests.simulation.patching import Mutant, patched_source, proof

Tell: TypeAlias = Callable[[object], None]

# One mutant in so many is tried, of each kind some; in the long form all are.
STEP: Final = 3 if EFFORT == 1 else 1
# What a mistake leads to: a claim that fails, or the product's own refusal.
CAUGHT: Final = frozenset({"AssertionError", "Violation", "MailError", "OSError"})


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "mutant" in metafunc.fixturenames:
        chosen = MUTANTS[metafunc.config.stash[SEED] % STEP :: STEP]
        metafunc.parametrize("mutant", chosen, ids=lambda mutant: mutant.name)


def test_all_mutants_apply() -> None:
    """Each mistake can still be made, also those that are not tried this time."""
    for mutant in MUTANTS:
        assert patched_source(mutant.edits)
    assert len(MUTANTS) // STEP >= 25


def test_a_mutant_is_caught(mutant: Mutant, tell: Tell) -> None:
    """A mistake is caught by the proof that is there for it.

    A third of them is tried, which the seed chooses; all in the long form.
    """
    try:
        report = mutant.try_to_catch()
    except Exception as error:
        # By name: beneath a mistake in the disk even these are imported anew.
        if CAUGHT.isdisjoint(each.__name__ for each in type(error).__mro__):
            raise  # the mutant itself is broken
        tell(repr(error)[:100])
        return
    pytest.fail(f"it survived: {report}")


def test_without_a_mistake_the_proofs_hold(seed: int, effort: int, tell: Tell) -> None:
    """What sees a mistake sees none where there is none; one is tried."""
    every = sorted({(each.caught_by, each.arguments) for each in MUTANTS})
    chosen = random.Random(seed).sample(every, min(effort, len(every)))
    for name, arguments in chosen:
        tell(f"{name}: {proof(name, *arguments)}")
