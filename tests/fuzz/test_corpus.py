"""What fuzzing has found is tried again by every `make test`, without atheris."""

from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).parent / "corpus"


@pytest.mark.parametrize("target", TARGETS)
def test_the_corpus(target: str) -> None:
    """No input that fuzzing has kept surprises what reads it."""
    inputs = sorted((CORPUS / target).iterdir())
    assert len(inputs) >= 5
    for each in inputs:
        TARGETS[target](each.read_bytes())


def test_every_corpus_has_its_target() -> None:
    """No input is kept that nobody reads; all of them are small."""
    assert {each.name for each in CORPUS.iterdir()} == set(TARGETS)
    assert sum(each.stat().st_size for each in CORPUS.rglob("*")) < 600_000
