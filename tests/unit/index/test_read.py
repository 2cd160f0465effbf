import pytest
from hypothesis import given
from hypothesis import strategies as st

from imapbox.disk.filesystem import Mode
from imapbox.index.frame import Frame
from imapbox.index.mailbox_state import MailboxState
from imapbox.index.read import (
    PIECE,
    HeadUnreadable,
    LogBroken,
    Window,
    first_position,
    follow,
    follow_segment,
    look,
)
from imapbox.index.segment import SegmentHeader
from imapbox.model.flags import Flag, FlagChange
from tests.unit.index.mail_log import (
    DIRECTORY,
    MailLog,
    execute,
    incoming,
    simulated,
)


class Reader:
    """Follows a log as `look` promises."""

    def __init__(self, log: MailLog) -> None:
        self.log = log
        opened, self.state = log.open()
        self.token = opened.token
        self.fd = log.files.open(f"{DIRECTORY}/head", Mode.READ)

    def look(self) -> int | None:
        """Return how many frames are new."""
        news = self.log.run(look(DIRECTORY, self.fd, self.token, self.state.position))
        if news is None:
            return None
        for frame in news.frames:
            self.state.apply(frame)
        self.token = news.token
        assert news.head.encode() == news.token
        return len(news.frames)


def test_nothing_new_costs_one_read() -> None:
    """A look at a head that says nothing new is one read of 64 bytes."""
    log = MailLog(simulated()).make()
    log.append()
    reader = Reader(log)
    log.files.disk.calls = []
    assert reader.look() is None
    assert [call[1:] for call in log.files.disk.calls] == [
        ("pread", f"{DIRECTORY}/head", (64, 0))
    ]


@given(st.lists(st.integers(0, 4), max_size=6), st.sampled_from([600, 2**26]))
def test_each_look_finds_what_is_new(rounds: list[int], limit: int) -> None:
    """A reader that looks now and then learns each frame once, in order."""
    log = MailLog(simulated(), segment_limit=limit).make()
    reader = Reader(log)
    total = 0
    for count in rounds:
        for _ in range(count):
            log.append()
        total += count
        found = reader.look()
        assert (found is None) == (count == 0)
        assert reader.state.counts.exists == total
        assert reader.state.position == log.head().position
        assert reader.look() is None


def test_what_a_look_costs_is_what_is_new() -> None:
    """Catching up reads neither old frames nor bodies."""
    log = MailLog(simulated()).make()
    log.append(*[incoming(b"%d" % n) for n in range(2000)])
    reader = Reader(log)
    log.append(incoming(b"x" * 2**20), incoming(b"y"))
    log.files.disk.calls = []
    assert reader.look() == 1
    read = sum(
        call.numbers[0] for call in log.files.disk.calls if call.method == "pread"
    )
    assert read < 2 * PIECE
    changing = {"pwrite", "try_lock", "exists", "size"}
    assert not changing & {call.method for call in log.files.disk.calls}


@pytest.mark.parametrize("content", [b"", bytes(64), b"x" * 64, b"IBH0" * 16])
def test_a_head_that_stays_torn_is_unreadable(content: bytes) -> None:
    """A head that is torn for longer than a write takes is to be recovered."""
    log = MailLog(simulated()).make()
    reader = Reader(log)
    log.truncate("head", 0)
    log.write("head", content)
    with pytest.raises(HeadUnreadable):
        reader.look()


def test_a_head_that_was_torn_is_read_again() -> None:
    """A head that is being written is read until it is whole."""
    log = MailLog(simulated()).make()
    reader = Reader(log)
    log.append()
    pread, torn = log.files.pread, [bytes(64), log.read("head")[:32] + bytes(32)]

    def torn_at_first(fd: int, size: int, offset: int) -> bytes:
        return torn.pop() if size == 64 and torn else pread(fd, size, offset)

    log.files.pread = torn_at_first
    assert reader.look() == 1
    assert not torn


def test_a_log_that_was_replaced_does_not_extend() -> None:
    """Another log in the place of the one that was read is noticed, not merged."""
    log, other = MailLog(simulated()).make(), MailLog(simulated())
    other.files.disk.seed = 99
    other.make()
    log.append()
    reader = Reader(log)
    for _ in range(3):
        other.append()
    for name, content in other.contents().items():
        log.truncate(name, 0)
        log.write(name, content)
    with pytest.raises(LogBroken):
        reader.look()


def test_an_older_head_does_not_extend() -> None:
    """A head from before what was applied is noticed, not applied."""
    log = MailLog(simulated()).make()
    older = log.read("head")
    log.append()
    reader = Reader(log)
    log.write("head", older)
    with pytest.raises(LogBroken):
        reader.look()
    assert reader.state.counts.exists == 1


def test_a_head_with_another_chain_is_not_believed() -> None:
    """The log must end in the very frame that the head names."""
    log = MailLog(simulated()).make()
    start = log.head().position
    log.append()
    end = log.head().position
    for wrong in (
        end._replace(chain=end.chain ^ 1),
        end._replace(offset=end.offset + 8),
        end._replace(offset=end.offset - 8),
        end._replace(salt=end.salt ^ 1),
        end._replace(segment=2),
    ):
        frames: list[Frame] = []
        with pytest.raises(LogBroken):
            log.run(follow(DIRECTORY, start, wrong, frames.append))
    log.run(follow(DIRECTORY, end, end, frames.append))


def test_every_flipped_bit_of_what_is_followed_is_seen() -> None:
    """No bit of a frame's header or operations changes without breaking the chain."""
    log = MailLog(simulated()).make()
    start = log.head().position
    log.append()
    log.set_flags([1], FlagChange.ADD, Flag.SEEN)
    end = log.head().position
    frames: list[Frame] = []
    log.run(follow(DIRECTORY, start, end, frames.append))
    checked = [
        offset for frame in frames for offset in range(frame.start, frame.payload_start)
    ]
    content = log.read("log.1")
    for offset in checked:
        for bit in range(8):
            log.write("log.1", bytes([content[offset] ^ 1 << bit]), offset)
            with pytest.raises(LogBroken):
                log.run(follow(DIRECTORY, start, end, lambda _: None))
        log.write("log.1", content[offset : offset + 1], offset)


@pytest.mark.parametrize("at", [0, 9, 16, 20, 63])
def test_a_segment_without_its_header_is_not_followed(at: int) -> None:
    """What does not begin as the segment that was looked for is not read."""
    log = MailLog(simulated(), segment_limit=300).make()
    log.append()
    log.append()
    log.write("log.2", b"\x99", at)
    frames: list[Frame] = []
    start = first_position(1, SegmentHeader.decode(log.read("log.1")[:64]).salt)
    with pytest.raises(LogBroken):
        log.run(follow(DIRECTORY, start, log.head().position, frames.append))
    assert {frame.end.segment for frame in frames} == {1}


def test_nothing_is_no_position() -> None:
    """The position of a state that has read nothing leads nowhere."""
    log = MailLog(simulated()).make()
    nowhere = MailboxState().position
    with pytest.raises(LogBroken):
        log.run(follow_segment(DIRECTORY, nowhere, None, lambda _: None))


@given(
    st.integers(0, 3 * PIECE),
    st.lists(st.tuples(st.integers(0, 3 * PIECE), st.integers(0, 2 * PIECE))),
    st.none() | st.integers(0, 3 * PIECE),
)
def test_a_window_is_the_file(
    size: int, wanted: list[tuple[int, int]], limit: int | None
) -> None:
    """In whatever order, a window returns what the file has before the limit."""
    files = simulated()
    data = bytes(n * 31 % 251 for n in range(size))
    fd = files.open("f", Mode.CREATE)
    files.pwrite(fd, data, 0)
    window = Window(fd, limit)
    for offset, count in wanted:
        found = execute(window.at(offset, count), files)
        end = offset + count if limit is None else min(offset + count, limit)
        assert found[: max(0, end - offset)] == data[offset:end]
        assert len(found) <= count
