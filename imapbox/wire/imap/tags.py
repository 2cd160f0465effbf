"""Tags: what a client calls its command, and what our answer begins with.

RFC 9051 §9::

    tag = 1*<any ASTRING-CHAR except "+">
"""

import re
from typing import NewType

# Made only by `leading_tag`, so that a Tag can always be echoed.
Tag = NewType("Tag", bytes)

_TAG = re.compile(rb'([^(){ %*"\\+\x00-\x1f\x7f-\xff]+)(?: |\Z)')


def leading_tag(line: bytes) -> Tag | None:
    """Return the tag that ``line`` begins with, or None if it has none."""
    match = _TAG.match(line)
    return Tag(match[1]) if match else None
