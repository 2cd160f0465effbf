import math
import struct

from hypothesis import given
from hypothesis import strategies as st

from imapbox.locks.lock_file import (
    BELL,
    EMPTY_SLOT,
    LOCK_FILE_SIZE,
    MAGIC,
    NOTE,
    SLOT_COUNT,
    SLOT_SIZE,
    SLOTS,
    LockHints,
    Note,
    Waiter,
    decode_hints,
    new_lock_file,
    slot_node,
)

pids = st.integers(1, 2**32 - 1)
moments = st.floats(allow_nan=False)
words = st.text(st.characters(codec="ascii", exclude_characters="\0"), max_size=16)
notes = st.builds(Note, pids, moments, words, words)
waiters = st.dictionaries(
    st.integers(0, SLOT_COUNT - 1), st.tuples(pids, moments, words), max_size=8
)


def written(note: Note | None, slots: list[Waiter]) -> bytes:
    """Return a lock file with these hints in it."""
    data = bytearray(new_lock_file())
    if note is not None:
        data[NOTE : NOTE + len(note.encode())] = note.encode()
    for waiter in slots:
        at = SLOTS + waiter.number * SLOT_SIZE
        data[at : at + SLOT_SIZE] = waiter.encode()
    return bytes(data)


def test_a_new_lock_file_says_nothing() -> None:
    """A lock that nobody took has no holder and no waiters."""
    data = new_lock_file()
    assert len(data) == LOCK_FILE_SIZE
    assert data.startswith(MAGIC)
    assert decode_hints(data) == LockHints(None, ())


def test_the_parts_do_not_overlap() -> None:
    """Bell, note and slots have places of their own within the file."""
    note = Note(2**32 - 1, math.pi, "n" * 300, "c" * 300).encode()
    assert len(MAGIC) <= BELL < NOTE < NOTE + len(note) <= NOTE + 512 == SLOTS
    assert SLOTS + SLOT_COUNT * SLOT_SIZE <= LOCK_FILE_SIZE
    assert len(EMPTY_SLOT) == SLOT_SIZE == len(Waiter(0, 1, 0.0, "n" * 99).encode())


@given(st.none() | notes, waiters)
def test_hints_come_back(note: Note | None, slots: dict) -> None:
    """Holder and waiters are read as they were written."""
    there = [Waiter(number, *slots[number]) for number in sorted(slots)]
    assert decode_hints(written(note, there)) == LockHints(note, tuple(there))


@given(st.text(max_size=200), st.text(max_size=400))
def test_long_names_are_cut(node: str, command: str) -> None:
    """Any name fits; of a long one its beginning is kept."""
    note = Note(1, 0.0, node, command)
    waiter = Waiter(0, 1, 0.0, node)
    hints = decode_hints(written(note, [waiter]))
    assert hints.note is not None
    assert slot_node(hints.waiters[0].node)[:13] == slot_node(node).rstrip(b"\0")[:13]
    start = command.encode(errors="replace")[:100].decode(errors="ignore")
    assert hints.note.command.startswith(start.rstrip("\0"))


@given(st.binary(max_size=2 * LOCK_FILE_SIZE))
def test_whatever_lies_there_is_no_error(data: bytes) -> None:
    """A lock file is hints: no content of it makes anyone fail."""
    whole = data.ljust(LOCK_FILE_SIZE, b"\xff")
    for content in (data, whole):
        hints = decode_hints(content)
        assert len(hints.waiters) <= SLOT_COUNT
        assert isinstance(str(hints.note), str)


def test_a_short_lock_file_says_nothing() -> None:
    """A file that was cut is as if nobody had written to it."""
    data = written(Note(1, 0.0, "n", "c"), [])
    assert decode_hints(data).note is not None
    for size in (0, NOTE, LOCK_FILE_SIZE - 1):
        assert decode_hints(data[:size]) == LockHints(None, ())


def test_a_pid_of_zero_is_nobody() -> None:
    """A slot or note whose pid is zero is empty, whatever else it says."""
    slot = struct.pack("<IId16s", 0, 0, 1.0, b"node")
    data = bytearray(new_lock_file())
    data[SLOTS : SLOTS + SLOT_SIZE] = slot
    data[NOTE : NOTE + SLOT_SIZE] = slot
    assert decode_hints(bytes(data)) == LockHints(None, ())


def test_a_note_says_who_and_what() -> None:
    """The words of a log line name command, process and machine."""
    assert str(Note(7, 0.0, "mx1", "deliver")) == "deliver by pid 7 on mx1"
