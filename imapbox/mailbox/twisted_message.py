"""A message and its parts, as twisted.mail's IMAP4Server wants them.

Nothing it asks of a message can wait, so octets that it asks for are read while
the reactor waits; a server that calls `load` first spares it that.
"""

import io
import re
from collections.abc import Callable, Sequence
from datetime import UTC
from email.utils import format_datetime, parsedate_to_datetime
from functools import cached_property
from typing import Any, BinaryIO, Final

from twisted.internet.defer import Deferred
from twisted.mail.imap4 import MailboxException
from twisted.mail.interfaces import (
    IMessageIMAP,
    IMessageIMAPFile,
    IMessageIMAPPart,
)
from zope.interface import implementer

from imapbox.mailbox.account_interface import Account
from imapbox.mailbox.interfaces import SelectedMailbox
from imapbox.mailbox.messages import Message
from imapbox.mailbox.twisted_errors import told
from imapbox.mailbox.twisted_headers import (
    HeaderFields,
    content_field,
    read_header,
)
from imapbox.mailbox.twisted_interfaces import IMessageLoader, IStructuredMessage
from imapbox.mailbox.values import Piece
from imapbox.mime.bodystructure import render_body
from imapbox.mime.envelope import render_envelope
from imapbox.mime.scanner import Scanner
from imapbox.mime.structure import Kind, Part
from imapbox.model.errors import MailError, MessageGone
from imapbox.model.message import InternalDate
from imapbox.wire.errors import BadSyntax
from imapbox.wire.imap.dates import parse_date_time

_BLOCK: Final = 64 * 1024
_HEADER_BLOCK: Final = 16 * 1024
_READ: Final = 1024 * 1024
_EMPTY_LINE: Final = re.compile(rb"\n\r?\n")

Read = Callable[[int, int], bytes]


@implementer(IMessageIMAPPart)
class TwistedPart:
    """A part of a message.

    Args:
        read: Returns octets of the message: from where, how many.
        part: Which part.
    """

    def __init__(self, read: Read, part: Part) -> None:
        self._read = read
        self._part = part

    def getHeaders(self, negate: bool, *names: str | bytes) -> HeaderFields:
        """Return the fields of these names, or all others.

        Names that are text, in which the stock server asks for a part's
        structure, get the values that it can understand.
        """
        header = self._part.header
        octets = self._read(header.start, len(header))
        return _chosen(octets, self._part, negate, names)

    def getBodyFile(self) -> BinaryIO:
        """Return the part's body, as it was sent."""
        return _file(self._read, self._part.body)

    def getSize(self) -> int:
        """Return how many octets the body has."""
        return len(self._part.body)

    def isMultipart(self) -> bool:
        """Say whether it is a multipart; a message/rfc822 is none."""
        return self._part.kind is Kind.MULTIPART

    def getSubPart(self, part: int) -> "TwistedPart":
        """Return a part of a multipart, or for 0 the message in a message/rfc822.

        Raises:
            IndexError: There is no such part.
        """
        if part < 0:
            raise IndexError(part)
        return TwistedPart(self._read, self._part.parts[part])


@implementer(IMessageIMAP, IMessageIMAPFile, IMessageLoader, IStructuredMessage)
class TwistedMessage:
    """A message, with the flags that it had when it was fetched.

    Args:
        selected: The mailbox it is in.
        mail: The account that this is in.
        row: What the mailbox knows of it.
        flags: Their names.
        is_there: Says whether the mailbox still has the message of a UID.
    """

    def __init__(
        self,
        selected: SelectedMailbox,
        mail: Account,
        row: Message,
        flags: list[str],
        is_there: Callable[[int], bool],
    ) -> None:
        self.mail = mail
        self.selected = selected
        self._row = row
        self._flags = flags
        self._is_there = is_there
        self._octets: bytes | None = None

    def getUID(self) -> int:
        """Return the UID."""
        return self._row.uid

    def getFlags(self) -> list[str]:
        """Return the names of flags and keywords."""
        return self._flags

    def getInternalDate(self) -> str:
        """Return INTERNALDATE as RFC 5322 writes dates."""
        return format_datetime(InternalDate(self._row.date, self._row.zone).local())

    def getSize(self) -> int:
        """Return RFC822.SIZE."""
        return self._row.size

    def getHeaders(self, negate: bool, *names: str | bytes) -> HeaderFields:
        """Return the fields of these names, or all others."""
        return _chosen(self._header, self._top, negate, names)

    def getBodyFile(self) -> BinaryIO:
        """Return what is behind the header's empty line."""
        return _file(self._read, range(len(self._header), self._row.size))

    def isMultipart(self) -> bool:
        """Say whether the message is a multipart."""
        return self._whole.isMultipart()

    def getSubPart(self, part: int) -> TwistedPart:
        """Return a part of a multipart.

        Raises:
            IndexError: There is no such part.
        """
        return self._whole.getSubPart(part)

    def open(self) -> BinaryIO:
        """Return the message, octet by octet as it was stored."""
        return _file(self._read, range(self._row.size))

    def getEnvelope(self) -> bytes:
        """See `IStructuredMessage`."""
        return render_envelope(self._top.fields)

    def getBody(self) -> bytes:
        """See `IStructuredMessage`."""
        body, _ = render_body(self._structure)
        return body

    def getBodyStructure(self) -> bytes:
        """See `IStructuredMessage`."""
        _, bodystructure = render_body(self._structure)
        return bodystructure

    def load(self) -> Deferred[None]:
        """See `IMessageLoader`."""
        return Deferred.fromCoroutine(told(self._load()))

    async def _load(self) -> None:
        octets: list[bytes | None] = []
        for start in range(0, self._row.size, _READ):
            if not self._is_there(self._row.uid):
                raise MessageGone
            piece = Piece(self._row.uid, start, _READ)
            octets += await self.selected.read([piece])
        self._octets = b"".join(map(_there, octets))

    @cached_property
    def _header(self) -> bytes:
        """The octets of the header, with the empty line that ends it."""
        octets = b""
        while len(octets) < self._row.size:
            # An empty line may lie across two blocks.
            start = max(0, len(octets) - 2)
            octets += self._read(len(octets), _HEADER_BLOCK)
            if octets.startswith((b"\n", b"\r\n")):
                return octets[: octets.index(b"\n") + 1]
            if found := _EMPTY_LINE.search(octets, start):
                return octets[: found.end()]
        return octets

    @cached_property
    def _top(self) -> Part:
        """What the header says of the message."""
        scanner = Scanner()
        scanner.feed(self._header)
        return scanner.finish()

    @cached_property
    def _structure(self) -> Part:
        """The message with all its parts."""
        scanner = Scanner()
        for start in range(0, self._row.size, _READ):
            scanner.feed(self._read(start, _READ))
        return scanner.finish()

    @property
    def _whole(self) -> TwistedPart:
        return TwistedPart(self._read, self._structure)

    def _read(self, start: int, size: int) -> bytes:
        """Return octets of the message; the reactor waits for them.

        Raises:
            MailboxException: They are not there any more.
        """
        if self._octets is not None:
            return self._octets[start : start + size]
        try:
            if not self._is_there(self._row.uid):
                raise MessageGone
            (octets,) = self.selected.read_now([Piece(self._row.uid, start, size)])
            return _there(octets)
        except MailError as error:
            raise MailboxException(error.sentence()) from error


class _Octets(io.RawIOBase):
    """A file of some octets of a message."""

    def __init__(self, read: Read, span: range) -> None:
        super().__init__()
        self._read = read
        self._span = span
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        starts = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: len(self._span)}
        self._at = max(0, starts[whence] + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any, /) -> int:
        left = max(0, len(self._span) - self._at)
        octets = self._read(self._span.start + self._at, min(len(buffer), left))
        buffer[: len(octets)] = octets
        self._at += len(octets)
        return len(octets)


def _file(read: Read, span: range) -> BinaryIO:
    return io.BufferedReader(_Octets(read, span), _BLOCK)


def _there(octets: bytes | None) -> bytes:
    if octets is None:
        raise MessageGone
    return octets


def _chosen(
    header: bytes, part: Part, negate: bool, names: Sequence[str | bytes]
) -> HeaderFields:
    """Return the fields of these names, or all others.

    Names that are text are how the stock server asks for a part's structure:
    it gets Content fields in a form that it can read.
    """
    wanted = {
        (name.decode("ascii", "replace") if isinstance(name, bytes) else name).lower()
        for name in names
    }
    fields = [
        field
        for field in read_header(header)
        if (field.name.lower() in wanted) is not bool(negate)
    ]
    chosen = HeaderFields(fields)
    if not negate and not any(isinstance(name, bytes) for name in names):
        for name in wanted:
            value = content_field(part.content, b"/".join(part.media_type), name)
            if value is not None:
                chosen[name] = value
            elif name.startswith("content-"):
                chosen.pop(name, None)
    return chosen


def message_date(date: str | bytes | None) -> InternalDate | None:
    """Return a date that was written as IMAP or RFC 5322 writes it.

    Raises:
        MailboxException: It is none.
    """
    if date is None:
        return None
    octets = date if isinstance(date, bytes) else date.encode("utf-8", "replace")
    try:
        return parse_date_time(b'"%b"' % octets.strip(b'"'))
    except BadSyntax:
        pass
    try:
        moment = parsedate_to_datetime(octets.decode("ascii", "replace"))
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        east = moment.utcoffset()
        zone = 0 if east is None else round(east.total_seconds() / 60)
        return InternalDate(int(moment.timestamp()), zone)
    except (ValueError, OverflowError):
        raise MailboxException("This is not a date.") from None
