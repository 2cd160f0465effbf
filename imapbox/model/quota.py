"""How much of what an account may hold, and holds. RFC 9208 §5."""

from typing import NamedTuple, Self


class Usage(NamedTuple):
    """What lies in mailboxes, or is to come: octets of messages, and how many."""

    octets: int
    messages: int

    def plus(self, other: Self) -> Self:
        """Return the sum."""
        return type(self)(self.octets + other.octets, self.messages + other.messages)

    def minus(self, other: Self) -> Self:
        """Return what is left, or is lacking: numbers may be negative."""
        return type(self)(self.octets - other.octets, self.messages - other.messages)


NOTHING_USED = Usage(0, 0)


class Quota(NamedTuple):
    """What an account may hold; None: as much as there is room for."""

    octets: int | None = None
    messages: int | None = None

    @property
    def is_limit(self) -> bool:
        """Whether anything is limited."""
        return self != NO_QUOTA

    def allows(self, usage: Usage) -> bool:
        """Say whether that much may be held."""
        return all(
            limit is None or used <= limit
            for used, limit in zip(usage, self, strict=True)
        )


NO_QUOTA = Quota()
