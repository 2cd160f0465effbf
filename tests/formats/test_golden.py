"""The bytes in ``docs/formats`` are the bytes that imapbox writes and reads."""

import re
import tempfile
import zlib
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from imapbox.disk.disk_filesystem import DiskFileSystem
from imapbox.disk.steps import perform
from imapbox.index.account_operations import (
    AccountBase,
    AccountMeta,
    Create,
    Delete,
    Rename,
    Subscribe,
    Unsubscribe,
    decode_account_operations,
)
from imapbox.index.doubts import Doubts, read_doubts, remove_doubts, write_doubts
from imapbox.index.encoding import (
    DamagedOperations,
    Encoded,
    Kind,
    join_operations,
)
from imapbox.index.frame import (
    FrameContent,
    decode_frame,
    encode_frame,
    encode_trailer,
)
from imapbox.index.graves import GRAVES
from imapbox.index.head import Counts, Head, Position
from imapbox.index.mailbox_state import MailboxState
from imapbox.index.operations import (
    Append,
    Base,
    Expunge,
    Flags,
    Keyword,
    Meta,
    Relocate,
    Switch,
    decode_operations,
)
from imapbox.index.remembered_keys import RECORD
from imapbox.index.segment import SegmentHeader
from imapbox.index.snapshot_writer import write_snapshot
from imapbox.locks.lock_file import (
    BELL,
    NOTE,
    SLOT_SIZE,
    SLOTS,
    Note,
    Waiter,
    decode_hints,
    new_lock_file,
)
from imapbox.mime.card import make_card
from imapbox.model.flags import Flag
from imapbox.model.numbers import Uid
from imapbox.store.format import STORE_FILE, prepare_store
from imapbox.store.layout import user_directory
from imapbox.store.restored import decode_run, encode_run
from tests.formats import second_reader
from tests.simulation.disk import EPOCH, SimulatedDisk, run
from tests.support.messages import scan

PAGES: Final = Path(__file__).parents[2] / "docs" / "formats"
_BLOCK: Final = re.compile(r"^```hex (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

SALT: Final = 0x5EED0001
ID: Final = bytes(range(16))
OTHER: Final = bytes(range(16, 32))
KEY: Final = bytes(range(0xA0, 0xB0))
UIDVALIDITY: Final = 1_700_000_000
TIME: Final = 1_700_000_100_000_000
START: Final = Position(1, 64, SALT, SALT)
CARD: Final = b"card"
HEADER: Final = b"X: 1\r\n"
BODY: Final = b"hi\r\n"
APPEND: Final = Append(
    uid=41,
    flags=int(Flag.SEEN),
    keywords=0b101,
    date=TIME // 10**6,
    zone=60,
    savedate=TIME // 10**6,
    size=len(HEADER + BODY),
    header_size=len(HEADER),
    header_crc=zlib.crc32(HEADER),
    content_crc=zlib.crc32(BODY),
    emailid=blake2b(HEADER + BODY, digest_size=16).digest(),
    key=KEY,
    card_size=len(CARD),
    card_crc=zlib.crc32(CARD),
)
INBOX: Final = Create(ID, UIDVALIDITY, "INBOX")
CAFE: Final = Create(OTHER, UIDVALIDITY + 1, "Café", "\\Sent")
MAILBOX_OPERATIONS: Final = {
    "base": Base(
        mailbox_id=ID,
        uidvalidity=UIDVALIDITY,
        uidnext=42,
        modseq=9,
        floor=0,
        keywords=("$Work", "todo"),
        meta={"a": b"\1\2"},
        keys=RECORD.pack(KEY, 41, TIME),
    ),
    "switch": Switch(2, 0x5EED0002),
    "append": APPEND,
    "relocate": Relocate(7, APPEND),
    "flags": Flags(
        (range(3, 6), range(9, 10)), Flag.SEEN, Flag.DELETED, 1 << 0, 1 << 65
    ),
    "keyword": Keyword("$Work"),
    "expunge": Expunge((range(1, 3),)),
    "meta": Meta("a", b"\1\2"),
}
ACCOUNT_OPERATIONS: Final = {
    "account-base": AccountBase(
        UIDVALIDITY + 1, (INBOX, CAFE), ((bytes(range(32, 48)), TIME),), ("INBOX",)
    ),
    "create": CAFE,
    "rename": Rename(OTHER, "Old/Café"),
    "delete": Delete(OTHER),
    "subscribe": Subscribe("INBOX"),
    "unsubscribe": Unsubscribe("INBOX"),
    "account-meta": AccountMeta(OTHER, "a", b"\1\2"),
}
COUNTS: Final = Counts(9, 42, 1, 0, UIDVALIDITY, 10)
NOTE_IN_LOCK: Final = Note(4711, 1_700_000_000.5, "mx1", "deliver")
WAITER: Final = Waiter(3, 4712, 1_700_000_000.75, "mx1")


def documented() -> dict[str, bytes]:
    """Return the examples of all pages, as bytes."""
    found = {}
    for page in sorted(PAGES.glob("*.md")):
        for name, block in _BLOCK.findall(page.read_text()):
            data = bytearray()
            for line in block.splitlines():
                offset, octets, *_ = line.split("  ")
                assert int(offset, 16) == len(data), (name, line)
                zeros = re.fullmatch(r"00 x (\d+) *", octets)
                data += bytes(int(zeros[1])) if zeros else bytes.fromhex(octets)
            assert name not in found
            found[name] = bytes(data)
    return found


def whole_frame() -> tuple[bytes, Position]:
    operations = join_operations([APPEND.encode()])
    payload = CARD + HEADER + BODY
    size = len(payload)
    content = FrameContent(COUNTS, operations, 1, size, TIME, START.offset)
    data, end = encode_frame(START, content)
    return data + payload + encode_trailer(end.chain, len(operations), size, TIME), end


def lock_file() -> bytes:
    data = bytearray(new_lock_file())
    slot = SLOTS + 3 * SLOT_SIZE
    for offset, octets in (
        (BELL, b"!"),
        (NOTE, NOTE_IN_LOCK.encode()),
        (slot, WAITER.encode()),
    ):
        data[offset : offset + len(octets)] = octets
    return bytes(data)


def doubts_file() -> bytes:
    """Return a file in which two keys were in doubt, and the second is still."""
    files = SimulatedDisk().process(1)
    files.make_directory("m")
    none = Doubts(0xB0071234, 41)
    stored = {OTHER: Uid(42), KEY: Uid(43)}
    run(write_doubts("m", none, stored, TIME), files)
    run(remove_doubts("m", {OTHER}), files)
    found = run(read_doubts("m", 0xB0071234, 42), files)
    assert found.since == 41
    assert [found.hold(key, uid) for key, uid in stored.items()] == [False, True]
    return files.disk.content("m/doubts")


def store_file() -> bytes:
    with tempfile.TemporaryDirectory() as root:
        perform(prepare_store(), DiskFileSystem(root))
        return Path(root, STORE_FILE).read_bytes()


RUN: Final = bytes(range(0x30, 0x40))
CARD_OF: Final = (
    b"From: j@b.example\r\nSubject: Re: Hi\r\n"
    b"Date: Fri, 21 Nov 1997 09:55:06 -0600\r\n\r\nHi.\r\n"
)


def snapshot_file() -> bytes:
    """Return a snapshot behind `whole_frame`: one message, one that is gone."""
    state = MailboxState()
    _, end = whole_frame()
    state.facts.begin(MAILBOX_OPERATIONS["base"])
    state.columns.append(APPEND, COUNTS.modseq, 1, 244)
    state.vanished.add((range(1, 3),), 8)
    grave = np.array([(2, 1, 1024, 99, TIME)], GRAVES)
    state.graves.add(grave, TIME)
    state.position, state.counts = end, COUNTS
    disk = SimulatedDisk()
    disk.clock = TIME / 10**6 - EPOCH
    files = disk.process(1)
    files.make_directory("m")
    name = run(write_snapshot("m", state.freeze()), files)
    return disk.content(f"m/{name}")


MAKERS: Final[dict[str, Callable[[], bytes]]] = {
    "segment-header": SegmentHeader(1, SALT).encode,
    "frame": lambda: whole_frame()[0],
    "head": lambda: Head(0xB0071234, whole_frame()[1], COUNTS).encode(),
    "lock": lock_file,
    "doubts": doubts_file,
    "store": store_file,
    "restoring": lambda: encode_run(RUN, TIME),
    "card": lambda: make_card(scan(CARD_OF)),
    "snapshot": snapshot_file,
    **{
        name: lambda operation=operation: join_operations([operation.encode()])
        for name, operation in {**MAILBOX_OPERATIONS, **ACCOUNT_OPERATIONS}.items()
    },
}


@pytest.mark.parametrize("name", MAKERS)
def test_imapbox_makes_the_documented_bytes(name: str) -> None:
    """What the pages show is, byte for byte, what imapbox writes."""
    assert MAKERS[name]() == documented()[name]


def test_every_kind_has_an_example() -> None:
    """Each record and each operation that is written has its example."""
    assert set(documented()) == set(MAKERS)
    written = {
        operation.encode().kind
        for operation in (*MAILBOX_OPERATIONS.values(), *ACCOUNT_OPERATIONS.values())
    }
    assert set(Kind) == written


@pytest.mark.parametrize("name", MAILBOX_OPERATIONS)
def test_mailbox_examples_are_read(name: str) -> None:
    """imapbox reads from a mailbox's example what was written."""
    assert decode_operations(documented()[name]) == [MAILBOX_OPERATIONS[name]]


@pytest.mark.parametrize("name", ACCOUNT_OPERATIONS)
def test_account_examples_are_read(name: str) -> None:
    """imapbox reads from an account's example what was written."""
    assert decode_account_operations(documented()[name]) == [ACCOUNT_OPERATIONS[name]]


def test_the_other_examples_are_read() -> None:
    """imapbox reads segment header, frame, head and lock file from the pages."""
    examples = documented()
    assert SegmentHeader.decode(examples["segment-header"]) == (1, SALT, 0)
    frame = decode_frame(examples["frame"], START)
    assert frame is not None
    assert (frame.counts, frame.time, frame.end) == (COUNTS, TIME, whole_frame()[1])
    head = Head.decode(examples["head"])
    assert head == Head(0xB0071234, frame.end, COUNTS)
    assert decode_run(examples["restoring"]) == (RUN, TIME)
    hints = decode_hints(examples["lock"])
    assert hints == (type(hints))(NOTE_IN_LOCK, (WAITER,))


def test_the_second_reader_reads_the_examples() -> None:
    """The second reader finds in the examples what the pages say of them."""
    examples = documented()
    assert second_reader.read_segment_header(examples["segment-header"]) == (1, SALT)
    frame = second_reader.read_frame(examples["frame"], 0, SALT, SALT)
    (operation,) = frame.operations
    assert operation == ("APPEND", examples["append"][8:])
    mailbox = second_reader.Mailbox(keys={})
    mailbox.apply(frame)
    message = mailbox.messages[41]
    assert (message.octets, message.keywords) == (HEADER + BODY, 0b101)
    assert message.card == CARD
    assert mailbox.keys == {KEY: (41, TIME)}
    head = second_reader.read_head(examples["head"])
    assert (head.segment, head.offset) == (1, 64 + frame.size)
    assert head.chain == frame.chain
    second_reader.read_store_file(examples["store"])
    snapshot = second_reader.read_snapshot(examples["snapshot"])
    assert (snapshot.segment, snapshot.offset) == (1, 64 + frame.size)
    assert snapshot.chain == frame.chain
    assert list(snapshot.rows) == [41]
    assert snapshot.rows[41]["emailid"] == message.emailid
    assert snapshot.rows[41]["keywords"] == 0b101
    assert snapshot.vanished == [(1, 2, 8)]
    assert snapshot.graves == [(2, 1, 1024, 99, TIME)]
    assert snapshot.base == examples["base"][8:]
    assert second_reader.read_lock(examples["lock"]) == (
        (4711, 1_700_000_000.5, "mx1", "deliver"),
        [(3, 4712, 1_700_000_000.75, "mx1")],
    )
    assert second_reader.read_doubts(examples["doubts"]) == (
        0xB0071234,
        41,
        {KEY: (TIME, 43)},
    )


@pytest.mark.parametrize("size", [0, 1, 63])
def test_kinds_are_never_used_again(size: int) -> None:
    """An operation of a kind that nobody knows is refused, whatever is in it."""
    for kind in (0, 9, 15, 23, 0xFFFF):
        data = join_operations([Encoded(kind, bytes(size))])
        with pytest.raises(DamagedOperations):
            decode_operations(data)
        with pytest.raises(DamagedOperations):
            decode_account_operations(data)


@pytest.mark.parametrize(
    "name", ["ana", "ana.b@example.org", ".ana.", "Ünal x", "a/../b", "%2e", "a+b"]
)
def test_paths_are_as_documented(name: str) -> None:
    """A user's directory is where the page says."""
    assert user_directory(name) == second_reader.path_of_user(name)
