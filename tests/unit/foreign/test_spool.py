"""A message on its way into a foreign mailbox."""

import tempfile
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from imapbox.disk.spool import MEMORY_LIMIT
from imapbox.foreign.spool import FileContent, FileSpool
from imapbox.model.errors import DiskFull, StoreFailure


def test_beyond_the_memory_it_is_a_file() -> None:
    """However large a message is, its octets are there as they came."""
    octets = bytes(range(256)) * (MEMORY_LIMIT // 256 + 1)
    spool = FileSpool()
    Deferred.fromCoroutine(spool.write(octets))
    content = Deferred.fromCoroutine(spool.finish()).result
    assert isinstance(content, FileContent)
    content.file.seek(0)
    assert content.file.read() == octets
    content.discard()


def full_disk(**_: Any) -> Any:
    """Return a file to which nothing can be written."""
    return Path("/dev/full").open("r+b")


@pytest.mark.parametrize("more", [0, 100])
def test_a_full_disk(monkeypatch: pytest.MonkeyPatch, more: int) -> None:
    """A disk that is full is told as such, whenever it is noticed, and once."""
    spool = FileSpool()
    if more:
        Deferred.fromCoroutine(spool.write(bytes(MEMORY_LIMIT + 1)))
        spool._octets._file.close()
        spool._octets._file = full_disk()
        Deferred.fromCoroutine(spool.write(bytes(more)))
        failing: Deferred[Any] = Deferred.fromCoroutine(spool.finish())
    else:
        monkeypatch.setattr(tempfile, "TemporaryFile", full_disk)
        failing = Deferred.fromCoroutine(spool.write(bytes(MEMORY_LIMIT + 1)))
    failing.addErrback(lambda failure: failure.trap(DiskFull))
    assert failing.result is DiskFull
    spool.discard()
    spool.discard()


def test_nowhere_to_put_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where no file can be made the client is told so in words."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    spool = FileSpool()
    writing = Deferred.fromCoroutine(spool.write(bytes(MEMORY_LIMIT + 1)))
    writing.addErrback(lambda failure: failure.trap(StoreFailure))
    assert writing.result is StoreFailure
    spool.discard()
