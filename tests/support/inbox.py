"""Where an account's INBOX lies, found without asking the product's store."""

from pathlib import Path

from imapbox.index.head import Head


def inbox_of(user: Path) -> Path:
    """Return the directory of the mailbox that was made first.

    Args:
        user: The user's directory.
    """
    return min((user / "mailboxes").iterdir(), key=_uidvalidity)


def _uidvalidity(mailbox: Path) -> int:
    head = Head.decode((mailbox / "head").read_bytes())
    assert head is not None
    return head.counts.uidvalidity
