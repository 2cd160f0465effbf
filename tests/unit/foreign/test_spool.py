"""A message on its way into a foreign mailbox."""

import tempfile
from pathlib import Path

import pytest
from twisted.internet.defer import Deferred

from imapbox.disk.spool import MEMORY_LIMIT
from imapbox.foreign.spool import FileContent, FileSpool
from imapbox.model.errors import StoreFailure


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


def test_nowhere_to_put_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where no file can be made the client is told so in words."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    spool = FileSpool()
    writing = Deferred.fromCoroutine(spool.write(bytes(MEMORY_LIMIT + 1)))
    writing.addErrback(lambda failure: failure.trap(StoreFailure))
    assert writing.result is StoreFailure
    spool.discard()
