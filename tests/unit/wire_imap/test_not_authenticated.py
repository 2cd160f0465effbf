"""What a client says in answer to a challenge."""

import pytest

from imapbox.wire.errors import BadSyntax
from imapbox.wire.imap.commands.authenticated import is_done
from imapbox.wire.imap.commands.not_authenticated import parse_sasl_line


def test_sasl_lines() -> None:
    """A line is base64, or "*" to cancel; an empty one is an empty answer."""
    assert parse_sasl_line(b"AHUAcA==") == b"\0u\0p"
    assert parse_sasl_line(b"") == b""
    assert parse_sasl_line(b"*") is None


@pytest.mark.parametrize(
    "line", [b"=", b"A", b"AA", b"AHUAcA=", b"AHUA cA==", b"**", b"\xff", b"AAAA===="]
)
def test_what_is_no_base64(line) -> None:
    """Anything else is bad syntax, and what it was is not told."""
    with pytest.raises(BadSyntax) as caught:
        parse_sasl_line(line)
    assert caught.value.text == b""


def test_done() -> None:
    """DONE ends an IDLE in any case, and nothing else does."""
    assert is_done(b"done")
    assert not is_done(b"DONE ")
    assert not is_done(b"a NOOP")
