"""Whether the file system of a store is fit for it, tried when a server starts."""

from contextlib import suppress
from typing import Final
from zlib import crc32

from imapbox.disk.filesystem import DiskFileSystem, FileSystem
from imapbox.disk.proof import PAGES_ARE_KEPT, Flaw, Proof, keeps_pages
from imapbox.store.layout import SPOOL

_PREFIX: Final = "proof"


def first_flaw(files: FileSystem) -> Flaw | None:
    """Try the file system in a directory below the spool; milliseconds.

    A crash leaves that directory, which the next to try on this machine removes.

    Raises:
        OSError: It can't be tried now: there is no room, or nobody may write.
    """
    ours = f"{_PREFIX}.{crc32(files.node.encode()):08x}."
    for name in files.list_directory(SPOOL):
        pid = name.removeprefix(ours)
        if name != pid and not (pid.isdigit() and files.is_alive(int(pid))):
            _remove(files, f"{SPOOL}/{name}")
    directory = f"{SPOOL}/{ours}{files.pid}"
    files.make_directory(directory)
    try:
        flaw = next(Proof(files, files, directory, rounds=1).flaws(), None)
        kept = isinstance(files, DiskFileSystem) and keeps_pages(
            files, f"{directory}/pages"
        )
    finally:
        _remove(files, directory)
    return Flaw(PAGES_ARE_KEPT) if flaw is None and kept else flaw


def _remove(files: FileSystem, directory: str) -> None:
    with suppress(OSError):
        for name in files.list_directory(directory):
            files.unlink(f"{directory}/{name}")
        files.remove_directory(directory)
