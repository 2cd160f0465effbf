"""The proofs fail where the product has a mistake: a survivor fails here."""

import pytest

from tests.simulation.mutants import Mutant, patched, proof

MUTANTS = [
    Mutant(
        "adopt without rewriting",
        "index/settle.py",
        "        yield from write_over(directory, fd, octets, frame.start)\n",
        "",
        "failed_syncs_and_kills",
    ),
]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_is_caught(mutant: Mutant) -> None:
    """A mistake in lock or index is caught by the proof that is there for it."""
    with patched(mutant.edit), pytest.raises(Exception) as caught:
        proof(mutant.caught_by)
    assert not isinstance(caught.value, LookupError | ImportError), caught.value
