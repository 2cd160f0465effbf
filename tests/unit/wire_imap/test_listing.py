"""What LIST means by its two arguments."""

import pytest

from imapbox.model.errors import MailboxNameRefused
from imapbox.model.names import MailboxName
from imapbox.wire.imap.parser import parse_command


def test_reference_stands_before_the_pattern() -> None:
    """The reference is what the pattern begins with, decoded both."""
    matcher = parse_command((b"a LIST &AOQ-/ %",)).matcher()
    assert matcher.matches(MailboxName("\xe4/b"))
    assert not matcher.matches(MailboxName("b"))


def test_empty_pattern_asks_for_the_delimiter() -> None:
    """An empty pattern means no mailbox: it asks what the delimiter is."""
    assert parse_command((b'a LIST x ""',)).asks_delimiter
    assert not parse_command((b'a LIST "" %',)).asks_delimiter


@pytest.mark.parametrize("line", [b"a LIST &AC8- *", b'a LSUB "" &Jjo'])
def test_undecodable_arguments_are_refused(line) -> None:
    """A reference or pattern that is not modified UTF-7 is refused."""
    with pytest.raises(MailboxNameRefused):
        parse_command((line,)).matcher()
