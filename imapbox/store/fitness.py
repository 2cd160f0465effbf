"""Whether the file system of a store is fit for it, tried when a server starts."""

import re
from contextlib import suppress
from typing import Final

from imapbox.disk.disk_filesystem import DiskFileSystem
from imapbox.disk.filesystem import FileSystem
from imapbox.disk.proof import PAGES_ARE_KEPT, Flaw, Proof, keeps_pages
from imapbox.store.layout import SPOOL

_HOUR: Final = 3600
_TRACE: Final = re.compile(r"proof\.([0-9a-f]{1,16})\.[0-9a-f]+")


def first_flaw(files: FileSystem) -> Flaw | None:
    """Try the file system in a directory below the spool; milliseconds.

    A crash leaves that directory; who comes an hour later removes it. Its name tells
    when it was made, and not by whom: in two containers processes may have one
    number, and machines one name.

    Raises:
        OSError: It can't be tried now: there is no room, or nobody may write.
    """
    now = int(files.now())
    for name in files.list_directory(SPOOL):
        made = _TRACE.fullmatch(name)
        if made is not None and abs(now - int(made[1], 16)) > _HOUR:
            _remove(files, f"{SPOOL}/{name}")
    directory = f"{SPOOL}/proof.{now:x}.{files.random(8).hex()}"
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
