"""What is fuzzed: functions of any octets, and what must be true of each.

A target raises where something is wrong: an exception that its reader did not
announce, or an answer that depends on how the octets arrived.
"""

import random
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final

from imapbox.index.frame import FrameContent, encode_frame, encode_trailer
from imapbox.index.head import Counts
from imapbox.index.mailbox_state import MailboxState
from imapbox.index.read import first_position
from imapbox.index.segment import SegmentHeader
from imapbox.index.snapshot import (
    CRC,
    HEADER_SIZE,
    SnapshotHeader,
    table_place,
)
from imapbox.index.snapshot import (
    encode_trailer as encode_snapshot_trailer,
)
from imapbox.index.snapshot_reader import MailboxSnapshots
from imapbox.mime.addresses import read_addresses
from imapbox.mime.card import Card, Field, make_card
from imapbox.mime.charsets import decode_text
from imapbox.mime.content import read_parameters
from imapbox.mime.dates import parse_date
from imapbox.mime.decode import UnknownCTE, decode_transfer
from imapbox.mime.encoded_words import decode_words
from imapbox.mime.scanner import Scanner
from imapbox.mime.structure import Part
from imapbox.mime.subject import base_subject
from imapbox.model.errors import (
    MailboxNameRefused,
    MailError,
    StoreFailure,
    UnknownFormat,
)
from imapbox.model.names import INBOX, mailbox_name
from imapbox.wire.errors import BadSyntax, WireError
from imapbox.wire.imap.events import AppendAnnounced, CommandReady, LiteralChunk
from imapbox.wire.imap.framer import AFTER_LOGIN, CommandFramer, Limits
from imapbox.wire.imap.mailbox_names import ListPattern, decode_utf7, encode_utf7
from imapbox.wire.imap.parser import parse_append, parse_command
from imapbox.wire.imap.url_syntax import parse_url
from imapbox.wire.lmtp.commands import BadCommand
from imapbox.wire.lmtp.commands import parse_command as parse_lmtp
from imapbox.wire.lmtp.framer import Chunk, CommandLine, Framer, LineTooLong
from tests.support.messages import texts_of
from tests.support.url_spelling import spelled, without_rump
from tests.unit.index.mail_log import (
    DIRECTORY,
    AccountLog,
    MailLog,
    incoming,
    simulated,
)

_SMALL: Final = Limits(line=200, literals=100, discard=100)
_COUNTS: Final = struct.Struct("<BBBBHB")
_LARGEST_SNAPSHOT: Final = 64 * 1024


class Wrong(Exception):
    """An answer that can't be."""


def _pieces(data: bytes) -> Iterator[list[bytes]]:
    """Cut octets in a few ways, which the octets themselves choose."""
    yield [data]
    yield [data[at : at + 1] for at in range(len(data))]
    cut = zlib.crc32(data) % (len(data) + 1)
    yield [data[:cut], data[cut:]]


def _imap_events(pieces: list[bytes]) -> list[object]:
    framer = CommandFramer(_SMALL)
    found: list[object] = []
    for piece in pieces:
        framer.receive(piece)
        while True:
            try:
                event = framer.next_event()
                if event is None:
                    break
                if isinstance(event, AppendAnnounced):
                    refused = event.size % 3 == 0
                    framer.refuse_literal() if refused else framer.accept_literal()
            except WireError as error:
                event = (type(error), error.what, error.tag)
            last = found[-1] if found else None
            if isinstance(event, LiteralChunk) and isinstance(last, LiteralChunk):
                event = LiteralChunk(last.data + event.data)
                found.pop()
            found.append(event)
    return found


def framer(data: bytes) -> None:
    """IMAP: however octets arrive, the events are the same."""
    whole, *others = map(_imap_events, _pieces(data))
    if any(other != whole for other in others):
        raise Wrong(whole, others)


def parser(data: bytes) -> None:
    """IMAP: a command is a value, or bad syntax. Parts end in NUL here."""
    parts = data.split(b"\0")
    parts = parts[: len(parts) - 1 + len(parts) % 2]
    for utf8 in (False, True):
        for parse in (parse_command, parse_append):
            try:
                command = parse(parts, utf8=utf8)
            except (WireError, MailboxNameRefused):
                continue
            hash(repr(command))


def stream(data: bytes) -> None:
    """IMAP: what the framer finds, the parser understands or refuses."""
    framing = CommandFramer(AFTER_LOGIN)
    framing.receive(data)
    while True:
        try:
            event = framing.next_event()
            if event is None:
                return
            if isinstance(event, AppendAnnounced):
                framing.accept_literal()
            if isinstance(event, CommandReady):
                parse_command(event.parts)
        except WireError:
            continue


def utf7(data: bytes) -> None:
    """A mailbox's name has one form; a pattern matches what it must."""
    with suppress(MailboxNameRefused):
        name = decode_utf7(data)
        if encode_utf7(name) != data:
            raise Wrong(name)
        mailbox_name(name)
    text = data.decode("latin-1")
    ListPattern(text).matches(INBOX)
    if not ListPattern("*").matches(INBOX):
        raise Wrong(text)


def url(data: bytes) -> None:
    """A URL says the same however it is spelled, or it is none."""
    with suppress(BadSyntax):
        said = without_rump(parse_url(data))
        text = spelled(said, random.Random(len(data)))
        if without_rump(parse_url(text)) != said:
            raise Wrong(said)


def _scanned(pieces: list[bytes]) -> Part:
    scanner = Scanner()
    for piece in pieces:
        scanner.feed(piece)
    return scanner.finish()


def mime(data: bytes) -> None:
    """Any message has a card, the same however it came, and can be searched."""
    first, *others = [make_card(_scanned(pieces)) for pieces in _pieces(data)]
    if any(other != first for other in others):
        raise Wrong(first, others)
    card = Card(first)
    for field in Field:
        card.field(field)
    hash((card.envelope, card.body, card.bodystructure, card.preview))
    hash((card.base_subject, card.sent))
    for located in card.entities():
        hash(located)
    card.locate((1,))
    card.locate((1, 2))
    for headers in (False, True):
        whole = "".join(texts_of(data, headers=headers))
        if whole != "".join(texts_of(data, headers=headers, piece=7)):
            raise Wrong(whole)


def headers(data: bytes) -> None:
    """Addresses, dates, parameters, words, charsets: anything means something."""
    for address in read_addresses(data):
        hash(address)
    sent = parse_date(data)
    if sent is not None:
        hash(sent.local_date)
    read_parameters(data, 0)
    base_subject(decode_words(data))
    charset, _, text = data.partition(b"\n")
    decode_text(text, charset)
    for encoding in (b"base64", b"quoted-printable", charset):
        with suppress(UnknownCTE):
            decode_transfer(text, encoding)


def _lmtp_events(pieces: list[bytes]) -> list[object]:
    framing = Framer(limit=100)
    found: list[object] = []
    for piece in pieces:
        framing.receive(piece)
        try:
            while (event := framing.next_event()) is not None:
                last = found[-1] if found else None
                if isinstance(event, Chunk) and isinstance(last, Chunk):
                    event = Chunk(last.octets + event.octets)
                    found.pop()
                found.append(event)
                if isinstance(event, CommandLine):
                    if event.text[:4] == b"DATA":
                        framing.begin_content()
                    elif event.text[:4] == b"BDAT":
                        framing.begin_chunk(len(event.text) % 11)
        except LineTooLong:
            return [*found, "too long"]
    return found


def lmtp(data: bytes) -> None:
    """LMTP: events as above; a command is a value, or a bad one."""
    whole, *others = map(_lmtp_events, _pieces(data))
    if any(other != whole for other in others):
        raise Wrong(whole, others)
    for line in data.split(b"\r\n"):
        with suppress(BadCommand):
            hash(repr(parse_lmtp(line)))


def _segment(data: bytes) -> bytes:
    """Make a segment whose CRCs are good, whatever its operations say.

    Its frames are what NUL NUL parts; their first octets are their counts.
    """
    salt = 7
    at = first_position(1, salt)
    octets = SegmentHeader(1, salt).encode()
    for piece in data.split(b"\0\0\0IBF"):
        numbers = _COUNTS.unpack(piece[: _COUNTS.size].ljust(_COUNTS.size, b"\0"))
        modseq, uidnext, exists, unseen, payload, uidvalidity = numbers
        operations = piece[_COUNTS.size :]
        counts = Counts(modseq, uidnext, exists, unseen, uidvalidity, payload)
        content = FrameContent(counts, operations, 1, payload, 1, at.offset)
        header, end = encode_frame(at, content)
        trailer = encode_trailer(end.chain, len(operations), payload, 1)
        octets += header + bytes(payload) + trailer
        at = end
    return octets


def log(data: bytes) -> None:
    """A log whose CRCs are good and whose operations aren't is read or refused."""
    octets = _segment(data)
    for kind in (MailLog, AccountLog):
        log_on_disk = kind(simulated())
        files = log_on_disk.files
        files.make_directory(DIRECTORY)
        for name, content in (("lock", bytes(4096)), ("log.1", octets)):
            log_on_disk.write(name, content)
        with suppress(MailError):
            _, state = log_on_disk.open()
            if kind is MailLog:
                _read_mailbox(state)
                log_on_disk.append(incoming())


def _read_mailbox(state: MailboxState) -> None:
    rows = state.columns.alive_rows()
    state.columns.places(rows)
    state.columns["flags"][rows].tolist()
    if len(state.roll.now) > len(rows):
        raise Wrong(state.roll.now)


def raw_log(data: bytes) -> None:
    """Any octets as a segment, with a good head or without one, are no surprise."""
    for lost in ("head", "log.1"):
        mail = MailLog(simulated()).make()
        mail.append(incoming())
        if lost == "head":
            mail.remove("head")
        mail.write("log.1", data, 0 if lost == "head" else len(data))
        with suppress(MailError):
            _, state = mail.open()
            _read_mailbox(state)
            mail.append(incoming())


def snapshot(data: bytes) -> None:
    """A snapshot whose CRCs are good and whose rows aren't is read or not used."""
    header = b"IBSNAP\0\0" + data[8:HEADER_SIZE].ljust(HEADER_SIZE - 8, b"\0")
    try:
        decoded = SnapshotHeader.decode(header)
    except UnknownFormat:
        return
    if decoded is None:
        return
    parts = decoded.parts()
    offset, table_size = table_place(parts)
    if offset > _LARGEST_SNAPSHOT:
        return
    content = (header + data[HEADER_SIZE:])[:offset].ljust(offset, b"\0")
    crcs = [
        zlib.crc32(content[at : min(at + part.piece, part.offset + part.size)])
        for part in parts
        for at in range(part.offset, part.offset + part.size, part.piece)
    ]
    table = b"".join(map(CRC.pack, crcs))
    trailer = encode_snapshot_trailer(header, table, offset + table_size + 16)
    mail = MailLog(simulated())
    mail.files.make_directory(DIRECTORY)
    mail.write("snap.1.1.00", content + table + trailer)
    for checked in (False, True):
        snapshots = MailboxSnapshots(checked=checked)
        state = mail.run(snapshots.load(DIRECTORY, "snap.1.1.00"))
        if state is not None:
            with suppress(StoreFailure):
                _read_mailbox(state)
                state.freeze()


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    target.__name__: target
    for target in (
        framer,
        parser,
        stream,
        utf7,
        url,
        mime,
        headers,
        lmtp,
        log,
        raw_log,
        snapshot,
    )
}
