"""A second reader of a store, written from ``docs/formats`` and nothing else.

It imports nothing of imapbox, reads whole files, checks everything it can, and
is in no hurry. The functions are in the order of the pages.
"""

import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import NamedTuple

SEEN = 8
BLOCK = 4096
NAMES = {
    1: "BASE",
    2: "SWITCH",
    3: "APPEND",
    4: "FLAGS",
    5: "KEYWORD",
    6: "EXPUNGE",
    7: "RELOCATE",
    8: "META",
    16: "ACCOUNT_BASE",
    17: "CREATE",
    18: "RENAME",
    19: "DELETE",
    20: "SUBSCRIBE",
    21: "UNSUBSCRIBE",
    22: "ACCOUNT_META",
}


class Wrong(Exception):
    """The files are not what the pages say."""


def check(truth: object, what: str) -> None:
    if not truth:
        raise Wrong(what)


class Cursor:
    """README.md: numbers, text, ranges."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def octets(self, size: int) -> bytes:
        check(self.at + size <= len(self.data), "too short")
        self.at += size
        return self.data[self.at - size : self.at]

    def number(self, size: int, *, signed: bool = False) -> int:
        return int.from_bytes(self.octets(size), "little", signed=signed)

    def text(self) -> str:
        return self.octets(self.number(2)).decode()

    def value(self) -> bytes:
        return self.octets(self.number(4))

    def uids(self) -> list[int]:
        found: list[int] = []
        for _ in range(self.number(4)):
            first, last = self.number(4), self.number(4)
            check(first <= last, "a range backwards")
            check(not found or found[-1] + 1 < first, "ranges that touch")
            found += range(first, last + 1)
        return found

    def mask(self) -> int:
        return mask(self.octets(self.number(2)))

    @property
    def left(self) -> int:
        return len(self.data) - self.at

    def end(self) -> None:
        check(self.at == len(self.data), "something is left over")


def mask(octets: bytes) -> int:
    check(not octets or octets[-1] != 0, "more keyword bits than needed")
    bits = 0
    for n in range(8 * len(octets)):
        if octets[n // 8] & 1 << n % 8:
            bits |= 1 << n
    return bits


def check_crc(data: bytes, begun: int = 0) -> None:
    content, crc = data[:-4], int.from_bytes(data[-4:], "little")
    check(zlib.crc32(content, begun) == crc, "CRC-32")


# store.md


def path_of_user(name: str) -> str:
    octets = name.encode()
    encoded = ""
    for at, octet in enumerate(octets):
        dot = octet == ord(".") and 0 < at < len(octets) - 1
        plain = octet in b"abcdefghijklmnopqrstuvwxyz0123456789_@-" or dot
        encoded += chr(octet) if plain else f"%{octet:02x}"
    return f"users/{blake2b(octets).digest()[0]:02x}/{encoded}"


def read_store_file(data: bytes) -> None:
    check(len(data) == 64, "length of imapbox-store")
    check(data[:8] == b"IBSTORE\0", "magic of imapbox-store")
    check_features(data[8:16])
    check_crc(data)


def check_features(data: bytes, known: int = 0) -> None:
    version, _, _, incompatible = struct.unpack("<HHHH", data)
    check(version == 1 and not incompatible & ~known, "another format")


# head.md


class Head(NamedTuple):
    boot: int
    segment: int
    offset: int
    modseq: int
    uidnext: int
    exists: int
    unseen: int
    uidvalidity: int
    live: int
    chain: int
    flags: int
    salt: int


def read_head(data: bytes) -> Head:
    check(len(data) == 64, "length of a head")
    check(data[:4] == b"IBH0", "magic of a head")
    check_crc(data)
    cursor = Cursor(data[4:60])
    boot, version = cursor.number(4), cursor.number(8)
    modseq = cursor.number(8)
    uidnext, exists, unseen, uidvalidity = (cursor.number(4) for _ in range(4))
    live = cursor.number(8)
    chain, flags, salt = (cursor.number(4) for _ in range(3))
    cursor.end()
    return Head(
        boot,
        version // 2**40,
        version % 2**40,
        modseq,
        uidnext,
        exists,
        unseen,
        uidvalidity,
        live,
        chain,
        flags,
        salt,
    )


# log.md


def read_segment_header(data: bytes) -> tuple[int, int]:
    """Return number and salt."""
    header = data[:64]
    check(len(header) == 64, "length of a segment's header")
    check(header[:8] == b"IBLOG\0\0\0", "magic of a segment")
    check_crc(header)
    check_features(header[8:16], known=1)
    return struct.unpack("<II", header[16:24])


class Operation(NamedTuple):
    kind: str
    content: bytes


class Frame(NamedTuple):
    size: int
    modseq: int
    time: int
    batch: int
    live: int
    uidnext: int
    exists: int
    unseen: int
    uidvalidity: int
    chain: int
    operations: list[Operation]
    payload: bytes


def read_frame(data: bytes, offset: int, before: int, salt: int) -> Frame:
    """Read the frame that follows the one with the chain value ``before``."""
    header = data[offset : offset + 96]
    check(len(header) == 96 and header[:4] == b"IBF0", "no frame")
    cursor = Cursor(header[4:])
    check(cursor.number(4) == zlib.crc32(header[8:], salt), "CRC-32 of a header")
    o, count, p = cursor.number(4), cursor.number(4), cursor.number(8)
    modseq, time, batch, live = (cursor.number(8) for _ in range(4))
    uidnext, exists, unseen, uidvalidity = (cursor.number(4) for _ in range(4))
    check(cursor.number(4) == before, "the chain value before")
    chain = cursor.number(4)
    content = data[offset + 96 : offset + 96 + o]
    check(len(content) == o, "operations are cut")
    check(zlib.crc32(header[8:76] + content, before) == chain, "the chain value")
    operations = list(read_operations(content))
    check(len(operations) == count, "how many operations")
    size = (96 + o + p + 7) // 8 * 8 + 16
    end = data[offset + 96 + o : offset + size]
    check(len(end) == size - 96 - o, "the payload is cut")
    check(end[p:-16] == bytes(len(end) - p - 16), "zeros behind the payload")
    check(struct.unpack("<QI", end[-16:-4]) == (time, size // 8), "time and length")
    check_crc(end[-16:], chain)
    return Frame(
        size,
        modseq,
        time,
        batch,
        live,
        uidnext,
        exists,
        unseen,
        uidvalidity,
        chain,
        operations,
        end[:p],
    )


def read_operations(content: bytes) -> Iterator[Operation]:
    cursor = Cursor(content)
    while cursor.at < len(content):
        kind, zero = cursor.number(2), cursor.number(2)
        check(kind in NAMES and zero == 0, "an unknown operation")
        yield Operation(NAMES[kind], cursor.value())


def read_log(
    files: Mapping[str, bytes], apply: Callable[[Frame], None]
) -> tuple[Head, Frame]:
    """Give ``apply`` every frame up to the head; return the last.

    A log begins with the oldest segment behind which none is missing.
    """
    head = read_head(files["head"])
    number, offset, time, chain = head.segment, 0, 0, -1
    while f"log.{number - 1}" in files:
        number -= 1
    while True:
        data = files[f"log.{number}"]
        found, salt = read_segment_header(data)
        check(found == number, "number of a segment")
        check(chain in (-1, salt), "salt of a segment")
        offset, chain = 64, salt
        first, switch = True, None
        while switch is None and (number, offset) != (head.segment, head.offset):
            frame = read_frame(data, offset, chain, salt)
            check(frame.time >= time, "time goes back")
            check(frame.batch <= offset, "batch lies ahead")
            kinds = [operation.kind for operation in frame.operations]
            check("ACCOUNT_META" not in kinds or data[14] & 1, "no such feature")
            check(first == (kinds in (["BASE"], ["ACCOUNT_BASE"])), "BASE is first")
            apply(frame)
            if "SWITCH" in kinds:
                check(len(kinds) == 1, "SWITCH is alone")
                switch = struct.unpack("<II", frame.operations[0].content)
            offset, chain, time = offset + frame.size, frame.chain, frame.time
            first = False
        if switch is None:
            break
        number, chain = switch
    check((chain, salt) == (head.chain, head.salt), "the head's chain value and salt")
    check(
        (head.modseq, *head[4:9])
        == (
            frame.modseq,
            frame.uidnext,
            frame.exists,
            frame.unseen,
            frame.uidvalidity,
            frame.live,
        ),
        "the head's numbers",
    )
    return head, frame


def counts(frame: Frame) -> tuple[int, ...]:
    return (frame.modseq, *frame[4:9])


@dataclass
class Message:
    flags: int
    keywords: int
    modseq: int
    date: int
    zone: int
    savedate: int
    emailid: bytes
    octets: bytes
    card: bytes
    header_size: int
    crcs: tuple[int, int, int]

    def check(self) -> None:
        card_crc, header_crc, content_crc = self.crcs
        octets, h = self.octets, self.header_size
        check(zlib.crc32(self.card) == card_crc, "CRC-32 of a card")
        check(zlib.crc32(octets[:h]) == header_crc, "CRC-32 of our header lines")
        check(zlib.crc32(octets[h:]) == content_crc, "CRC-32 of a message")
        check(blake2b(octets, digest_size=16).digest() == self.emailid, "emailid")

    def is_punched(self) -> bool:
        return bytes(BLOCK) in self.card + self.octets


@dataclass
class Mailbox:
    """What a mailbox's log says."""

    mailbox_id: bytes = b""
    floor: int = 0
    keywords: list[str] = field(default_factory=list)
    meta: dict[str, bytes] = field(default_factory=dict)
    keys: dict[bytes, tuple[int, int]] = field(default_factory=dict)
    messages: dict[int, Message] = field(default_factory=dict)
    dead: list[Message] = field(default_factory=list)
    missing: int = 0
    last: Frame | None = None

    def apply(self, frame: Frame) -> None:
        payload = Cursor(frame.payload)
        readers = {
            "BASE": self.read_base,
            "SWITCH": lambda cursor, _: cursor.octets(8),
            "APPEND": lambda cursor, frame: self.read_append(cursor, payload, frame),
            "RELOCATE": lambda cursor, frame: self.read_relocate(
                cursor, payload, frame
            ),
            "FLAGS": self.read_flags,
            "KEYWORD": lambda cursor, _: self.keywords.append(cursor.text()),
            "EXPUNGE": self.read_expunge,
            "META": self.read_meta,
        }
        for kind, content in frame.operations:
            check(kind in readers, "an account's operation")
            cursor = Cursor(content)
            readers[kind](cursor, frame)
            cursor.end()
        payload.end()
        relocates = [kind == "RELOCATE" for kind, _ in frame.operations]
        if any(relocates):
            check(all(relocates), "RELOCATE is not alone")
            check(self.last and counts(frame) == counts(self.last), "counts change")
        missing = frame.exists - len(self.messages)
        check(missing >= 0, "exists")
        check(missing <= self.missing or not self.last, "messages are missing")
        self.missing = missing
        messages = self.messages.values()
        unseen = sum(not message.flags & SEEN for message in messages)
        live = sum(len(message.octets) for message in messages)
        if not missing:
            check(frame.unseen == unseen, "unseen")
            check(frame.live == live, "live")
        self.last = frame

    def end(self) -> None:
        """Check what can only be checked behind the last frame."""
        check(not self.missing, "messages were not met")
        for message in self.messages.values():
            message.check()
        for message in self.dead:
            if not message.is_punched():
                message.check()

    def read_base(self, cursor: Cursor, frame: Frame) -> None:
        mailbox_id = cursor.octets(16)
        uidvalidity, uidnext = cursor.number(4), cursor.number(4)
        modseq, floor = cursor.number(8), cursor.number(8)
        check(
            (uidvalidity, uidnext, modseq)
            == (frame.uidvalidity, frame.uidnext, frame.modseq),
            "BASE and its frame",
        )
        keywords = [cursor.text() for _ in range(cursor.number(4))]
        meta = {}
        for _ in range(cursor.number(4)):
            name = cursor.text()
            meta[name] = cursor.value()
        keys = {}
        for _ in range(cursor.number(4)):
            key = cursor.octets(16)
            keys[key] = cursor.number(4), cursor.number(8)
        if self.last is not None:
            known = self.mailbox_id, self.floor, self.keywords, self.meta
            check((mailbox_id, floor, keywords, meta) == known, "BASE says news")
            own = {key: at for key, at in keys.items() if at[0]}
            check(own.items() <= self.keys.items(), "BASE has other keys")
        self.mailbox_id, self.floor, self.keywords = mailbox_id, floor, keywords
        self.meta, self.keys = meta, keys

    def read_append(self, cursor: Cursor, payload: Cursor, frame: Frame) -> None:
        uid, key, message = self.read_message(cursor, payload)
        check(uid < frame.uidnext, "a uid from UIDNEXT on")
        check(uid > max(self.messages, default=0), "a uid that is not the greatest")
        if key != bytes(16):
            self.keys[key] = uid, frame.time
        message.modseq = frame.modseq
        self.messages[uid] = message

    def read_relocate(self, cursor: Cursor, payload: Cursor, frame: Frame) -> None:
        modseq = cursor.number(8)
        uid, key, message = self.read_message(cursor, payload)
        message.modseq = modseq
        check(uid < frame.uidnext and modseq <= frame.modseq, "numbers ahead")
        check(key == bytes(16) or self.keys[key][0] == uid, "a key is another one")
        if before := self.messages.get(uid):
            self.dead.append(before)
            crcs = (message.crcs[0], *before.crcs[1:])
            new = {"octets": message.octets, "card": message.card, "crcs": crcs}
            same = replace(before, **new)
            check(message == same, "a message became another one")
        self.messages[uid] = message
        self.messages = dict(sorted(self.messages.items()))

    @staticmethod
    def read_message(cursor: Cursor, payload: Cursor) -> tuple[int, bytes, Message]:
        uid, flags = cursor.number(4), cursor.number(4)
        date, zone = cursor.number(8, signed=True), cursor.number(2, signed=True)
        k = cursor.number(2)
        c, card_crc, h, header_crc = (cursor.number(4) for _ in range(4))
        s, content_crc = cursor.number(8), cursor.number(4)
        savedate = cursor.number(8, signed=True)
        emailid, key = cursor.octets(16), cursor.octets(16)
        keywords = mask(cursor.octets(k))
        card, octets = payload.octets(c), payload.octets(s)
        crcs = card_crc, header_crc, content_crc
        times = date, zone, savedate
        message = Message(flags, keywords, 0, *times, emailid, octets, card, h, crcs)
        return uid, key, message

    def read_flags(self, cursor: Cursor, frame: Frame) -> None:
        uids = cursor.uids()
        add, remove = cursor.number(4), cursor.number(4)
        add_keywords, remove_keywords = cursor.mask(), cursor.mask()
        for uid in uids:
            if message := self.messages.get(uid):
                message.flags = message.flags & ~remove | add
                message.keywords = message.keywords & ~remove_keywords | add_keywords
                message.modseq = frame.modseq

    def read_expunge(self, cursor: Cursor, frame: Frame) -> None:
        del frame
        for uid in cursor.uids():
            if uid in self.messages:
                self.dead.append(self.messages.pop(uid))

    def read_meta(self, cursor: Cursor, frame: Frame) -> None:
        del frame
        name, value = cursor.text(), cursor.value()
        self.meta[name] = value
        if not value:
            del self.meta[name]


def read_mailbox(files: Mapping[str, bytes]) -> tuple[Head, Mailbox]:
    mailbox = Mailbox()
    head, _ = read_log(files, mailbox.apply)
    mailbox.end()
    return head, mailbox


# snap.md


COLUMNS = {
    "uid": "I",
    "flags": "I",
    "modseq": "Q",
    "date": "q",
    "zone": "h",
    "savedate": "q",
    "size": "Q",
    "segment": "I",
    "offset": "Q",
    "header_size": "I",
    "header_crc": "I",
    "content_crc": "I",
    "card_size": "I",
    "card_crc": "I",
    "emailid": "16s",
}


@dataclass
class Snapshot:
    segment: int
    offset: int
    chain: int
    salt: int
    modseq: int
    live: int
    floor: int
    time: int
    uidnext: int
    exists: int
    unseen: int
    uidvalidity: int
    base: bytes
    rows: dict[int, dict[str, int | bytes]]
    vanished: list[tuple[int, ...]]
    graves: list[tuple[int, ...]]


def read_snapshot(data: bytes) -> Snapshot:
    check(len(data) >= 144, "length of a snapshot")
    header, cursor = data[:128], Cursor(data[:128])
    check(cursor.octets(8) == b"IBSNAP\0\0", "magic of a snapshot")
    check_features(cursor.octets(8))
    version, modseq, live, floor, time = (cursor.number(8) for _ in range(5))
    numbers = [cursor.number(4) for _ in range(10)]
    uidnext, n, unseen, uidvalidity, chain, salt, k, v, g, b = numbers
    check(k <= 4, "more than 256 keywords")
    layouts = {**COLUMNS, **{f"k{number}": "Q" for number in range(k)}}
    at, crcs = 128, []

    def part(size: int, pieces_of: int) -> bytes:
        nonlocal at
        content = data[at : at + size]
        check(len(content) == size, "a part is cut")
        at += size
        while at % 64:
            at += 1
        starts = range(0, size, pieces_of or 1)
        crcs.extend(zlib.crc32(content[one : one + pieces_of]) for one in starts)
        return content

    columns = {}
    for name, layout in layouts.items():
        width = struct.calcsize(f"<{layout}")
        content = part(n * width, 16384 * width)
        columns[name] = [one for (one,) in struct.iter_unpack(f"<{layout}", content)]
    vanished = list(struct.iter_unpack("<IIQ", part(16 * v, 16 * v)))
    graves = list(struct.iter_unpack("<IIQQQ", part(32 * g, 32 * g)))
    base = part(b, b)
    table = b"".join(struct.pack("<I", crc) for crc in crcs)
    check(data[at : at + len(table)] == table, "CRC-32s of a snapshot")
    end = Cursor(data[at + len(table) :])
    length = end.octets(8)
    check(int.from_bytes(length, "little") == len(data), "length in the trailer")
    check(end.number(4) == zlib.crc32(header + table + length), "CRC-32 at the end")
    check(end.octets(4) == b"IBSE", "magic at the end")
    end.end()
    rows: dict[int, dict[str, int | bytes]] = {}
    for number, uid in enumerate(columns["uid"]):
        check(not rows or uid > max(rows), "UIDs ascend")
        row = {name: values[number] for name, values in columns.items()}
        bits = [row.pop(f"k{word}") for word in range(k)]
        row["keywords"] = sum(one << 64 * word for word, one in enumerate(bits))
        rows[uid] = row
    check(len(rows) == n, "as many rows as messages")
    segment, offset = version >> 40, version & (1 << 40) - 1
    return Snapshot(
        segment,
        offset,
        chain,
        salt,
        modseq,
        live,
        floor,
        time,
        uidnext,
        n,
        unseen,
        uidvalidity,
        base,
        rows,
        vanished,
        graves,
    )


# account.md


class Entry(NamedTuple):
    uidvalidity: int
    name: str
    special_use: str


@dataclass
class Account:
    """What an account's log says."""

    highest_uidvalidity: int = 0
    mailboxes: dict[bytes, Entry] = field(default_factory=dict)
    deleted: dict[bytes, int] = field(default_factory=dict)
    subscribed: set[str] = field(default_factory=set)
    meta: dict[tuple[bytes, str], bytes] = field(default_factory=dict)
    last: Frame | None = None

    def apply(self, frame: Frame) -> None:
        check(not frame.payload, "payload in an account")
        numbers = frame.uidnext, frame.exists, frame.unseen, frame.uidvalidity
        check(not any(numbers) and not frame.live, "numbers in an account")
        readers = {
            "ACCOUNT_BASE": self.read_account_base,
            "SWITCH": lambda cursor, _: cursor.octets(8),
            "CREATE": self.read_create,
            "RENAME": self.read_rename,
            "DELETE": self.read_delete,
            "SUBSCRIBE": lambda cursor, _: self.subscribed.add(cursor.text()),
            "UNSUBSCRIBE": lambda cursor, _: self.subscribed.discard(cursor.text()),
            "ACCOUNT_META": lambda cursor, _: self._read_meta(cursor),
        }
        for kind, content in frame.operations:
            check(kind in readers, "a mailbox's operation")
            cursor = Cursor(content)
            readers[kind](cursor, frame)
            cursor.end()
        self.last = frame

    def read_account_base(self, cursor: Cursor, frame: Frame) -> None:
        del frame
        before = self.mailboxes, self.deleted, self.subscribed, self.meta
        highest = cursor.number(4)
        self.mailboxes = {}
        for _ in range(cursor.number(4)):
            self._read_mailbox(cursor)
        self.deleted = {}
        for _ in range(cursor.number(4)):
            mailbox_id = cursor.octets(16)
            self.deleted[mailbox_id] = cursor.number(8)
        self.subscribed = {cursor.text() for _ in range(cursor.number(4))}
        self.meta = {}
        for _ in range(cursor.number(4) if cursor.left else 0):
            self._read_meta(cursor)
        if self.last is not None:
            after = self.mailboxes, self.deleted, self.subscribed, self.meta
            check(before == after, "ACCOUNT_BASE says news")
            check(self.highest_uidvalidity == highest, "highest UIDVALIDITY")
        self.highest_uidvalidity = highest

    def read_create(self, cursor: Cursor, frame: Frame) -> None:
        del frame
        given = self._read_mailbox(cursor).uidvalidity
        self.highest_uidvalidity = max(self.highest_uidvalidity, given)

    def read_rename(self, cursor: Cursor, frame: Frame) -> None:
        del frame
        mailbox_id, name = cursor.octets(16), cursor.text()
        self.mailboxes[mailbox_id] = self.mailboxes[mailbox_id]._replace(name=name)

    def read_delete(self, cursor: Cursor, frame: Frame) -> None:
        mailbox_id = cursor.octets(16)
        del self.mailboxes[mailbox_id]
        self.deleted[mailbox_id] = frame.time
        self.meta = {key: self.meta[key] for key in self.meta if key[0] != mailbox_id}

    def _read_meta(self, cursor: Cursor) -> None:
        mailbox_id, name, value = cursor.octets(16), cursor.text(), cursor.value()
        check(mailbox_id == bytes(16) or mailbox_id in self.mailboxes, "no mailbox")
        self.meta.pop((mailbox_id, name), None)
        if value:
            self.meta[mailbox_id, name] = value

    def _read_mailbox(self, cursor: Cursor) -> Entry:
        mailbox_id = cursor.octets(16)
        entry = Entry(cursor.number(4), cursor.text(), cursor.text())
        self.mailboxes[mailbox_id] = entry
        return entry


# lock.md


class Note(NamedTuple):
    pid: int
    since: float
    node: str
    command: str


class Slot(NamedTuple):
    number: int
    pid: int
    since: float
    node: str


def read_lock(data: bytes) -> tuple[Note | None, list[Slot]]:
    check(len(data) == 4096, "length of a lock file")
    check(data[:16] == b"imapbox lock 0\0\0", "magic of a lock file")
    pid, since = struct.unpack("<I4xd", data[512:528])
    node, command = unpadded(data[528:608]), unpadded(data[608:768])
    note = Note(pid, since, node, command) if pid else None
    slots = []
    for number in range(64):
        slot = data[1024 + 32 * number : 1056 + 32 * number]
        pid, since = struct.unpack("<I4xd", slot[:16])
        if pid:
            slots.append(Slot(number, pid, since, unpadded(slot[16:])))
    return note, slots


def read_doubts(data: bytes) -> tuple[int, int, dict[bytes, tuple[int, int]]]:
    check_crc(data[:64])
    check(data[:16] == b"imapbox doubts 1", "magic of doubts")
    boot, uid = struct.unpack("<QI", data[16:28])
    found = {}
    for at in range(64, len(data), 32):
        slot = data[at : at + 32]
        if any(slot):
            check_crc(slot)
            key, time, its_uid = struct.unpack("<16sQI", slot[:28])
            found[key] = time, its_uid
    return boot, uid, found


def unpadded(data: bytes) -> str:
    return data.rstrip(b"\0").decode(errors="replace")


FIELDS = [
    "subject",
    "from",
    "to",
    "cc",
    "bcc",
    "sender",
    "reply-to",
    "date",
    "message-id",
    "in-reply-to",
    "references",
]


class CardPart(NamedTuple):
    """card.md: a record of a part."""

    header_start: int
    body_start: int
    body_end: int
    lines: int
    after: int
    kind: int
    is_message: bool
    names: list[bytes]


@dataclass
class Card:
    """card.md: all that a card says."""

    envelope: bytes
    body: bytes
    structure: bytes
    parts: list[CardPart]
    preview: str
    base_subject: str
    fields: dict[str, str]
    sent: tuple[int, int] | None


def read_card(data: bytes) -> Card:
    """card.md."""
    cursor = Cursor(data)
    check(cursor.octets(4) == b"IBC0", "magic of a card")
    present = cursor.number(4)
    seconds, zone = cursor.number(8, signed=True), cursor.number(2, signed=True)
    flags = cursor.number(2)
    ends = [cursor.number(4) for _ in range(18)]
    check(ends[-1] == len(data), "length of a card")
    sections = [cursor.octets(end - cursor.at) for end in ends]
    fields = {
        name: sections[7 + n].decode()
        for n, name in enumerate(FIELDS)
        if present >> n & 1
    }
    check(present >> len(FIELDS) == 0, "fields of a card")
    check(
        sum(map(len, sections[7:]))
        == sum(len(sections[7 + FIELDS.index(name)]) for name in fields),
        "fields that are absent",
    )
    parts = Cursor(sections[3])
    return Card(
        *sections[:3],
        [read_card_part(parts, sections[4]) for _ in range(len(sections[3]) // 40)],
        sections[5].decode(),
        sections[6].decode(),
        fields,
        (seconds, zone) if flags & 1 else None,
    )


def read_card_part(cursor: Cursor, names: bytes) -> CardPart:
    places = (cursor.number(8), cursor.number(8), cursor.number(8))
    lines, after = cursor.number(4), cursor.number(4)
    at, size = cursor.number(4), cursor.number(2)
    kind, flags = cursor.number(1), cursor.number(1)
    three = names[at : at + size].split(b"\0")
    check(len(three) == 3, "names of a part")
    return CardPart(*places, lines, after, kind, bool(flags & 1), three)
