"""The examples of mail that the RFCs on mail give, cut out of their texts."""

import re
from collections.abc import Iterator
from typing import Final

from tests.support.rfcs import rfc

NUMBERS: Final = (2045, 2046, 2047, 2049, 2183, 2231, 3461, 5322)
_FIELD: Final = re.compile(
    r"(?:From|To|Cc|Bcc|Date|Subject|Sender|Reply-To|Message-ID|In-Reply-To|References"
    r"|Received|Return-Path|Comments|Keywords|Resent-[A-Za-z-]+|MIME-Version"
    r"|Content-[A-Za-z-]+|X-[A-Za-z-]+) ?:",
    re.IGNORECASE,
)
_INDENT: Final = re.compile(r" *")
_LEAST_INDENT: Final = 3


def rfc_examples(number: int) -> Iterator[bytes]:
    """Yield each indented block of an RFC that begins with a header field.

    A block ends before the first line that is less indented than its first, before
    a line of dashes, and where another header begins before one of MIME's came.
    """
    lines = rfc(number).splitlines()
    at = 0
    while at < len(lines):
        line = lines[at]
        indent = _indent(line)
        if indent < _LEAST_INDENT or not _FIELD.match(line, indent):
            at += 1
            continue
        end = at + 1
        while end < len(lines) and not _ends(lines, at, end, indent):
            end += 1
        block = "\n".join(each[indent:] for each in lines[at:end]).rstrip()
        yield (block + "\n").replace("\n", "\r\n").encode("latin-1")
        at = end


def _ends(lines: list[str], begin: int, at: int, indent: int) -> bool:
    """Say whether the block that begins at ``begin`` ends before line ``at``."""
    line = lines[at]
    if not line:
        return False
    if _indent(line) < indent or line.strip() == "----":
        return True
    another = not lines[at - 1] and _FIELD.match(line, indent)
    return bool(another) and not any("ontent-" in each for each in lines[begin:at])


def _indent(line: str) -> int:
    found = _INDENT.match(line)
    assert found
    return found.end()
