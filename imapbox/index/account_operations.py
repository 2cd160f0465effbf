r"""The operations of an account's log. Format: `encoding`; contents, in order.

ACCOUNT_BASE, first in every segment, the whole tree::

     4  the highest UIDVALIDITY ever given
     4  count, then as many mailboxes: 16 id, 4 UIDVALIDITY, text name,
        text special use (such as "\Sent", several with a space between, or empty)
     4  count, then as many deleted mailboxes: 16 id, 8 time (microseconds)
     4  count, then as many subscribed names: text
     4  count, then as many facts, as in ACCOUNT_META; where there is none, the
        count is left out


CREATE, a mailbox: 16 id, 4 UIDVALIDITY, text name, text special use.

RENAME, a mailbox has another name: 16 id, text name. Renaming a mailbox with
others below it is as many of them in one frame.

DELETE, a mailbox is no more: 16 id. The frame's time says since when.

SUBSCRIBE, UNSUBSCRIBE, a name: text.

ACCOUNT_META, a fact about a mailbox or, with an id of zeros, the account: 16 id,
text name, 4 length, value. An empty value removes it. Only in segments that have
the feature (see `segment`).
"""

import struct
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, Self, TypeAlias

from imapbox.index.encoding import (
    Encoded,
    Kind,
    Reader,
    decode_each,
    pack_text,
)
from imapbox.index.operations import Switch
from imapbox.model.names import MailboxName
from imapbox.model.numbers import UidValidity

ID_SIZE: Final = 16
# Whose facts are the account's own.
NO_MAILBOX: Final = bytes(ID_SIZE)

_COUNT = struct.Struct("<I")
_DELETED = struct.Struct("<16sQ")


class Create(NamedTuple):
    """A mailbox that was made."""

    mailbox_id: bytes
    uidvalidity: UidValidity
    name: MailboxName
    special_use: str = ""

    def encode(self) -> Encoded:
        """Return it as it lies in a frame."""
        return Encoded(Kind.CREATE, self.content())

    def content(self) -> bytes:
        """Return its fields."""
        return (
            self.mailbox_id
            + _COUNT.pack(self.uidvalidity)
            + pack_text(self.name)
            + pack_text(self.special_use)
        )

    @classmethod
    def decode(cls, content: bytes) -> Self:
        """Read it."""
        return cls.read(Reader(content))

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Take its fields."""
        mailbox_id = reader.octets(ID_SIZE)
        uidvalidity = UidValidity(reader.count())
        return cls(mailbox_id, uidvalidity, MailboxName(reader.text()), reader.text())


class AccountMeta(NamedTuple):
    """A fact about a mailbox, or about the account: `NO_MAILBOX`."""

    mailbox_id: bytes
    name: str
    value: bytes

    def encode(self) -> Encoded:
        """Return it as it lies in a frame."""
        return Encoded(Kind.ACCOUNT_META, self.content())

    def content(self) -> bytes:
        """Return its fields."""
        size = _COUNT.pack(len(self.value))
        return self.mailbox_id + pack_text(self.name) + size + self.value

    @classmethod
    def decode(cls, content: bytes) -> Self:
        """Read it."""
        return cls.read(Reader(content))

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Take its fields."""
        mailbox_id = reader.octets(ID_SIZE)
        return cls(mailbox_id, reader.text(), reader.octets(reader.count()))


class AccountBase(NamedTuple):
    """The whole tree, and what is known of its mailboxes."""

    highest_uidvalidity: UidValidity
    mailboxes: tuple[Create, ...]
    deleted: tuple[tuple[bytes, int], ...]
    subscribed: tuple[MailboxName, ...]
    meta: tuple[AccountMeta, ...] = ()

    def encode(self) -> Encoded:
        """Return it as it lies in a frame."""
        parts = [
            _COUNT.pack(self.highest_uidvalidity),
            _COUNT.pack(len(self.mailboxes)),
            *(mailbox.content() for mailbox in self.mailboxes),
            _COUNT.pack(len(self.deleted)),
            *(_DELETED.pack(*gone) for gone in self.deleted),
            _COUNT.pack(len(self.subscribed)),
            *(pack_text(name) for name in self.subscribed),
        ]
        if self.meta:
            parts.append(_COUNT.pack(len(self.meta)))
            parts += [fact.content() for fact in self.meta]
        return Encoded(Kind.ACCOUNT_BASE, b"".join(parts))

    @classmethod
    def decode(cls, content: bytes) -> Self:
        """Read it."""
        reader = Reader(content)
        highest = UidValidity(reader.count())
        mailboxes = tuple(Create.read(reader) for _ in range(reader.count()))
        deleted = tuple(
            _DELETED.unpack(reader.octets(_DELETED.size)) for _ in range(reader.count())
        )
        subscribed = tuple(MailboxName(reader.text()) for _ in range(reader.count()))
        count = 0 if reader.at_end else reader.count()
        meta = tuple(AccountMeta.read(reader) for _ in range(count))
        return cls(highest, mailboxes, deleted, subscribed, meta)


class Rename(NamedTuple):
    """A mailbox that has another name now."""

    mailbox_id: bytes
    name: MailboxName

    def encode(self) -> Encoded:
        """Return it as it lies in a frame."""
        return Encoded(Kind.RENAME, self.mailbox_id + pack_text(self.name))

    @classmethod
    def decode(cls, content: bytes) -> Self:
        """Read it."""
        reader = Reader(content)
        return cls(reader.octets(ID_SIZE), MailboxName(reader.text()))


class Delete(NamedTuple):
    """A mailbox that is no more."""

    mailbox_id: bytes

    def encode(self) -> Encoded:
        """Return it as it lies in a frame."""
        return Encoded(Kind.DELETE, self.mailbox_id)

    @classmethod
    def decode(cls, content: bytes) -> Self:
        """Read it."""
        return cls(Reader(content).octets(ID_SIZE))


class Subscribe(NamedTuple):
    """A name that is subscribed now."""

    name: MailboxName

    def encode(self) -> Encoded:
        """Return it as it lies in a frame."""
        return Encoded(Kind.SUBSCRIBE, pack_text(self.name))

    @classmethod
    def decode(cls, content: bytes) -> Self:
        """Read it."""
        return cls(MailboxName(Reader(content).text()))


class Unsubscribe(NamedTuple):
    """A name that is not subscribed any more."""

    name: MailboxName

    def encode(self) -> Encoded:
        """Return it as it lies in a frame."""
        return Encoded(Kind.UNSUBSCRIBE, pack_text(self.name))

    @classmethod
    def decode(cls, content: bytes) -> Self:
        """Read it."""
        return cls(MailboxName(Reader(content).text()))


AccountOperation: TypeAlias = (
    AccountBase
    | Create
    | Rename
    | Delete
    | Subscribe
    | Unsubscribe
    | AccountMeta
    | Switch
)

_DECODERS: Final[Mapping[int, Callable[[bytes], AccountOperation]]] = {
    Kind.ACCOUNT_BASE: AccountBase.decode,
    Kind.CREATE: Create.decode,
    Kind.RENAME: Rename.decode,
    Kind.DELETE: Delete.decode,
    Kind.SUBSCRIBE: Subscribe.decode,
    Kind.UNSUBSCRIBE: Unsubscribe.decode,
    Kind.ACCOUNT_META: AccountMeta.decode,
    Kind.SWITCH: Switch.decode,
}


def decode_account_operations(data: bytes) -> list[AccountOperation]:
    """Read the operations of a frame of an account's log.

    Raises:
        DamagedOperations: They are not an account's.
    """
    return decode_each(data, _DECODERS)
