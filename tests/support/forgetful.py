"""Mailboxes that forget soon what they were told to tell."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from imapbox.index import changes, mailbox_state


@contextmanager
def forgetful(most: int) -> Iterator[None]:
    """Keep so few changes, and so few rows of what is gone, for who is behind."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(changes, "MOST_CHANGES", most)
        patch.setattr(mailbox_state, "MANY_DEAD", min(most, 10_000))
        yield
