"""Symbolic links in a store: an error, and what they point to stays untouched."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from imapbox.disk.disk_filesystem import DiskFileSystem
from imapbox.index.body import Span, read_bodies
from imapbox.index.opening import recover
from imapbox.model.errors import MailError
from tests.unit.index.mail_log import DIRECTORY, MailLog, incoming, place_of

TARGET_TEXT = b"precious\n" * 1000
REFUSED = (OSError, MailError)


@pytest.fixture
def log(tmp_path: Path) -> MailLog:
    (tmp_path / "store").mkdir()
    log = MailLog(DiskFileSystem(str(tmp_path / "store")), segment_limit=700).make()
    log.append()
    return log


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "target"
    path.write_bytes(TARGET_TEXT)
    return path


def plant(log: MailLog, name: str, target: Path) -> bytes:
    """Put a link in the place of a file; return what was there."""
    path = Path(log.files.root, DIRECTORY, name)
    content = path.read_bytes() if path.exists() else b""
    path.unlink(missing_ok=True)
    path.symlink_to(target)
    return content


ACTS: dict[str, Callable[[MailLog], object]] = {
    "append": lambda log: log.append(incoming(b"x" * 1000)),
    "open": lambda log: log.open(),
    "recover": lambda log: log.run(recover(DIRECTORY, log.settings, command="recover")),
}


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("name", ["head", "log.1", "lock"])
@pytest.mark.parametrize("copied", [False, True], ids=["other", "copy"])
def test_a_link_is_refused(
    log: MailLog,
    target: Path,
    act: str,
    name: str,
    copied: bool,
) -> None:
    """A link for head, segment or lock is an error, even to a good copy of it."""
    content = plant(log, name, target)
    if copied:
        target.write_bytes(content)
    before = target.read_bytes()
    if (act, name) == ("open", "lock"):
        log.open()  # a clean log is opened without its lock
    elif (act, name) == ("recover", "log.1") and not copied:
        with pytest.raises(OSError):
            ACTS[act](log)
    else:
        with pytest.raises(REFUSED):
            ACTS[act](log)
    assert target.read_bytes() == before
    assert Path(log.files.root, DIRECTORY, name).is_symlink()


@pytest.mark.parametrize("exists", [False, True])
def test_a_link_for_the_next_segment_is_removed_not_followed(
    log: MailLog,
    target: Path,
    exists: bool,
) -> None:
    """Rotation makes its segment itself: a link in its place goes, its target stays."""
    if not exists:
        target.unlink()
    plant(log, "log.2", target)
    log.append()
    log.append()
    assert log.state().position.segment == 2
    assert not Path(log.files.root, DIRECTORY, "log.2").is_symlink()
    assert target.exists() == exists
    assert not exists or target.read_bytes() == TARGET_TEXT


def test_a_link_for_a_lost_head_is_not_written_through(
    log: MailLog, tmp_path: Path
) -> None:
    """Where a head must be made anew, a dangling link makes no file elsewhere."""
    Path(log.files.root, DIRECTORY, "head").unlink()
    plant(log, "head", tmp_path / "elsewhere")
    with pytest.raises(REFUSED):
        log.append()
    assert not (tmp_path / "elsewhere").exists()


def test_a_link_for_a_directory_is_refused(log: MailLog, tmp_path: Path) -> None:
    """A mailbox that was moved out and linked in is not a mailbox."""
    place = Path(log.files.root, DIRECTORY)
    state = log.state()
    place.rename(tmp_path / "moved")
    before = {path.name: path.read_bytes() for path in (tmp_path / "moved").iterdir()}
    place.symlink_to(tmp_path / "moved")
    for act in ACTS.values():
        with pytest.raises(REFUSED):
            act(log)
    with pytest.raises(OSError) as refused:
        log.run(read_bodies(DIRECTORY, [Span(place_of(state, 1), 0, 10)]))
    assert refused.value.errno in {errno.ELOOP, errno.ENOTDIR}
    with pytest.raises(OSError):
        MailLog(log.files).make()
    after = {path.name: path.read_bytes() for path in (tmp_path / "moved").iterdir()}
    assert after == before


def test_a_link_for_a_cut_copy_costs_the_copy(log: MailLog, target: Path) -> None:
    """A crash's copy is never written through a link."""
    end = log.head().position.offset
    log.write("log.1", b"torn", end)
    plant(log, "log.1.cut.1", target)
    assert log.append() == [2]
    assert target.read_bytes() == TARGET_TEXT
    assert log.read("log.1.cut.2").startswith(b"torn")


def test_a_link_for_the_mark_is_a_mark(log: MailLog, target: Path) -> None:
    """Whatever is called ``damaged`` keeps writers away; nothing is written to it."""
    plant(log, "damaged", target)
    with pytest.raises(MailError):
        log.append()
    assert target.read_bytes() == TARGET_TEXT


def test_a_fifo_does_not_hang_anyone(log: MailLog) -> None:
    """A pipe in the place of the mark or of a new segment is no trap."""
    os.mkfifo(Path(log.files.root, DIRECTORY, "log.2"))
    log.append()
    log.append()
    assert log.state().position.segment == 2
