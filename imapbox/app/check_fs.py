"""`imapbox check --fs`: is a file system fit for a store?

Two processes try it, for a second or two.
"""

import json
import select
import stat
import tempfile
from pathlib import Path
from typing import Final

import click
from twisted.internet.inotify import IN_MODIFY
from twisted.python import _inotify
from twisted.python.filepath import FilePath

from imapbox.app.check import CAN_NOT_TELL, DAMAGED, SOUND
from imapbox.app.presence import is_a
from imapbox.disk.disk_filesystem import DiskFileSystem
from imapbox.disk.filesystem import Mode
from imapbox.disk.peer import Peer
from imapbox.disk.proof import PAGES_ARE_KEPT, Flaw, Proof, keeps_pages

_ROUNDS: Final = 100
_PATIENCE: Final = 2.0
_POLL: Final = 0.01
_RESULTS: Final = {SOUND: "fit", DAMAGED: "not fit", CAN_NOT_TELL: "could not tell"}


def run_check_fs(directory: Path, *, as_json: bool) -> int:
    """Try a file system, print what is wrong, and return the status to end with.

    Raises:
        click.UsageError: There is no such directory.
    """
    flaws: list[Flaw] = []
    notes = []
    hints = None
    try:
        if not is_a(stat.S_ISDIR, directory):
            sentence = f"There is no directory {directory}."
            raise click.UsageError(sentence)
        with tempfile.TemporaryDirectory(prefix="imapbox-proof-", dir=directory) as at:
            hints = _try(at, flaws)
        status = DAMAGED if flaws else SOUND
    except OSError as error:
        notes.append(f"it can not be tried: {error.strerror or error}")
        status = CAN_NOT_TELL
    if hints is False:
        notes.append("writes are noticed by polling only: IDLE is told within 5 s")
    if as_json:
        said = {
            "directory": str(directory),
            "flaws": [str(flaw) for flaw in flaws],
            "notes": notes,
            "result": _RESULTS[status],
        }
        click.echo(json.dumps(said))
        return status
    for flaw in flaws:
        click.echo(f"flaw: {flaw}")
    for note in notes:
        click.echo(f"note: {note}")
    click.echo(f"{_RESULTS[status]}: {directory}")
    return status


def _try(root: str, flaws: list[Flaw]) -> bool:
    """Add what is wrong to ``flaws``; return whether the kernel tells of writes."""
    files = DiskFileSystem(root)
    files.make_directory("two")
    with Peer(root) as peer:
        flaws += Proof(files, peer, "two", _ROUNDS).flaws()
        if keeps_pages(files, "pages"):
            flaws.append(Flaw(PAGES_ARE_KEPT))
        hints = _has_hints(files, peer)
        if not flaws and not _death_frees(files, peer):
            flaws.append(Flaw("a lock stays when the process that holds it is killed"))
    return hints


def _death_frees(files: DiskFileSystem, peer: Peer) -> bool:
    fd = files.open("lock", Mode.CREATE)
    try:
        peer.try_lock(peer.open("lock", Mode.WRITE))
        peer.kill()
        return _is_freed(files, fd)
    finally:
        files.close(fd)


def _is_freed(files: DiskFileSystem, fd: int) -> bool:
    until = files.monotonic() + _PATIENCE
    while not files.try_lock(fd):
        if files.monotonic() > until:
            return False
        select.select([], [], [], _POLL)
    return True


def _has_hints(files: DiskFileSystem, peer: Peer) -> bool:
    """Say whether the kernel tells of a write by another process."""
    fd = peer.open("hints", Mode.CREATE)
    try:
        queue = _inotify.init()
    except _inotify.INotifyError:  # fs.inotify.max_user_instances
        return False
    try:
        _inotify.add(queue, FilePath(files.root).child("hints"), IN_MODIFY)
        peer.pwrite(fd, b"!", 0)
        readable, _, _ = select.select([queue], [], [], _PATIENCE)
        return bool(readable)
    except _inotify.INotifyError:  # fs.inotify.max_user_watches
        return False
    finally:
        files.close(queue)
