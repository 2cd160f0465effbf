"""What is wrong with a client's bytes is told without repeating them."""

import pytest

from imapbox.wire.errors import BadSyntax, CommandTooLong, LiteralTooBig


@pytest.mark.parametrize("kind", [BadSyntax, CommandTooLong, LiteralTooBig])
def test_sentence_holds_nothing_of_the_client(kind) -> None:
    """The sentence for the client names the grammar, never its own text."""
    error = kind("atom", b"secret\r\n* BYE")
    assert "atom" in error.sentence()
    assert "secret" not in error.sentence()
    assert error.tag is None
