"""Where cards were read before it became the mailbox room's work."""

from imapbox.mailbox.cards import in_batches, read_cards

__all__ = ["in_batches", "read_cards"]
