"""The fields of a header that say something to us.

A field is its name, a colon, and a value that goes on in lines which begin with
a space or a tab. A line that is neither is passed over. Where a field comes more
than once, all its values are kept, and whoever reads them decides.

A value is kept as it was sent, but for the spaces before it, the CR of its line
ends, and NULs, which no IMAP string can hold: U+FFFD stands for each.

See Also:
    RFC 5322 §2.2 (fields, folding), RFC 9051 §4.3 (NUL).
"""

import re

from imapbox.mime.structure import Fields

REPLACEMENT = "\ufffd".encode()

NAMES = frozenset(
    b"""
    date subject from sender reply-to to cc bcc in-reply-to message-id references
    mime-version content-type content-transfer-encoding content-id content-md5
    content-description content-disposition content-language content-location
    """.split()
)

_FIELD = re.compile(
    rb"\n(" + b"|".join(sorted(NAMES)) + rb")[ \t]*+:[ \t]*+"
    rb"([^\n]*+(?:\n[ \t][^\n]*+)*+)",
    re.IGNORECASE,
)


def read_fields(header: bytes) -> Fields:
    """Return the values of the fields in `NAMES`, by lower-case name."""
    found: dict[bytes, list[bytes]] = {}
    text = b"\n" + header.replace(b"\r\n", b"\n").replace(b"\0", REPLACEMENT)
    for name, value in _FIELD.findall(text):
        found.setdefault(name.lower(), []).append(value)
    return found
