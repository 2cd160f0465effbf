"""Of which mailboxes a client was told that it is told nothing. RFC 5465 §5.9."""

from collections.abc import Collection, Mapping
from typing import NamedTuple, TypeAlias

from imapbox.imap.interests import Interests
from imapbox.mailbox.values import Listed
from imapbox.model.rights import Rights
from imapbox.wire.imap.commands.notify import Event

Meant: TypeAlias = Mapping[bytes, Listed]


class Access(NamedTuple):
    """What is to be told of one mailbox.

    Attributes:
        row: It, as it is or was.
        is_lost: Whether nothing is told of its messages any more.
    """

    row: Listed
    is_lost: bool


class KnownAccess:
    """The mailboxes that are meant, and whether they may be read.

    Args:
        most: So many are remembered that are not there any more.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._readable: dict[bytes, Listed] = {}
        self._lost: dict[bytes, Listed] = {}

    def learn(
        self, interests: Interests, meant: Meant, there: Collection[bytes]
    ) -> list[Access]:
        """Return what to tell, and take it for known.

        Args:
            interests: What the client wants of mailboxes by their names.
            meant: Those that it sees and of whose messages it wants to know, by id.
            there: The ids of all that it sees.
        """
        readable = {
            each: row for each, row in meant.items() if Rights.READ in row.rights
        }
        lost = {each: row for each, row in meant.items() if each not in readable}
        gone = self._readable.keys() - set(there)
        for mailbox_id in gone:
            each = self._readable[mailbox_id]
            # Who is told of names is told that this one is none to him.
            if not each.is_personal and not interests.of(each) & Event.MAILBOX_NAME:
                lost[mailbox_id] = each
        before = self._lost
        told = [
            *(Access(lost[each], is_lost=True) for each in lost.keys() - before.keys()),
            *(
                Access(readable[each], is_lost=False)
                for each in before.keys() & readable
            ),
        ]
        remembered = [each for each in before.items() if each[0] not in meant]
        self._readable = readable
        self._lost = {**dict(remembered[-self._most :]), **lost}
        return sorted(told, key=lambda each: each.row.name)
