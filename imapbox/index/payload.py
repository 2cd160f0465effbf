"""Checking what the operations of a frame refer to."""

import zlib
from collections.abc import Iterator

from imapbox.index.encoding import Kind, split_operations
from imapbox.index.operations import Append, Relocate


def payload_intact(operations: bytes, payload: memoryview) -> bool:
    """Say whether cards and bodies are those that the operations describe."""
    at = 0
    for size, crc in _parts(operations):
        if zlib.crc32(payload[at : at + size]) != crc or at + size > len(payload):
            return False
        at += size
    return at == len(payload)


def _parts(operations: bytes) -> Iterator[tuple[int, int]]:
    for kind, content in split_operations(operations):
        if kind in {Kind.APPEND, Kind.RELOCATE}:
            append = (
                Append.decode(content)
                if kind == Kind.APPEND
                else Relocate.decode(content).message
            )
            yield append.card_size, append.card_crc
            yield append.header_size, append.header_crc
            yield append.size - append.header_size, append.content_crc
