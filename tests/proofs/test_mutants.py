"""The proofs fail where the product has a mistake: a survivor fails here."""

import random
from collections.abc import Callable
from typing import TypeAlias

import pytest

from tests.simulation.mutants import MUTANTS
from tests.simulation.patching import Mutant, proof

Tell: TypeAlias = Callable[[object], None]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_is_caught(mutant: Mutant, tell: Tell) -> None:
    """A mistake is caught by the proof that is there for it."""
    try:
        report = mutant.try_to_catch()
    except (LookupError, ImportError, NameError, SyntaxError, TypeError):
        raise  # the mutant itself is broken
    except Exception as error:  # noqa: BLE001 - whatever the mistake leads to
        tell(repr(error)[:100])
        return
    pytest.fail(f"it survived: {report}")


def test_without_a_mistake_the_proofs_hold(seed: int, effort: int, tell: Tell) -> None:
    """What sees a mistake sees none where there is none; one is tried."""
    every = sorted({(each.caught_by, each.arguments) for each in MUTANTS})
    chosen = random.Random(seed).sample(every, min(effort, len(every)))
    for name, arguments in chosen:
        tell(f"{name}: {proof(name, *arguments)}")
