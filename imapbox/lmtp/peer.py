"""The client, as a session sees it: it says something, and is told something."""

from typing import Protocol


class PeerGone(Exception):
    """The connection is lost."""


class PeerTooSlow(Exception):
    """The client did not say in time what it had to."""


class Interrupted(Exception):
    """We were waiting for a command, and are to wait no more."""


class Peer(Protocol):
    """The other end of a connection."""

    @property
    def host(self) -> str | None:
        """Its IP address, or None on a UNIX socket."""
        ...

    @property
    def is_ahead(self) -> bool:
        """Whether it has said something that `more` did not return yet."""
        ...

    @property
    def has_taken_all(self) -> bool:
        """Whether all that we wrote is where it can read it, or was read.

        Over TCP its machine has confirmed it; from a UNIX socket it was read.
        """
        ...

    def confirm(self) -> None:
        """Let it know at once what came: it may hold back what follows."""
        ...

    def write(self, data: bytes) -> None:
        """Tell it ``data``. Never fails; a lost connection shows in `more`."""
        ...

    async def more(self, patience: float) -> bytes:
        """Return what it says next, at least one octet.

        What it says while nobody waits here is left to the kernel, apart from
        what the transport had read already.

        Args:
            patience: Seconds.

        Raises:
            PeerGone: It will say no more.
            PeerTooSlow: It said nothing for too long, or doesn't listen.
            Interrupted: `interrupt` was called.
        """
        ...

    def interrupt(self) -> None:
        """End the wait in `more`."""
        ...
