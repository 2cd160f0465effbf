"""Encoded words in header fields: ``=?utf-8?q?caf=C3=A9?=``.

Read leniently: spaces within a word, words that touch others, and characters
that are cut between two words of one charset are decoded as they are meant.

See Also:
    RFC 2047 §2, §6.2 (space between words); RFC 2231 §5 (language).
"""

import re

from imapbox.mime.charsets import decode_bare, decode_text, is_known
from imapbox.mime.decode import decode_transfer

_WORD = re.compile(rb"=\?([^?\s*]+)(?:\*[^?\s]*)?\?([bBqQ])\?([^?\r\n]*)\?=")
_LINE_END = re.compile(rb"\r?\n")


def decode_words(value: bytes) -> str:
    """Return a field's value as text, in one line.

    What is no encoded word, or one in an unknown charset, is text as it is; see
    `charsets.decode_bare`.
    """
    if b"\n" in value:
        value = _LINE_END.sub(b"", value)
    if b"=?" not in value:
        return decode_bare(value)
    texts: list[str] = []
    charset, octets = b"", b""  # of the words just read
    at = 0
    for word in _WORD.finditer(value):
        if not is_known(word[1]):
            continue
        between = value[at : word.start()]
        if between.strip(b" \t") or not at:
            texts += (decode_text(octets, charset), decode_bare(between))
            charset, octets = b"", b""
        if word[1].lower() != charset:
            texts.append(decode_text(octets, charset))
            charset, octets = word[1].lower(), b""
        octets += _decode(word[2], word[3])
        at = word.end()
    texts += (decode_text(octets, charset), decode_bare(value[at:]))
    return "".join(texts)


def _decode(encoding: bytes, text: bytes) -> bytes:
    if encoding in b"bB":
        return decode_transfer(text, b"BASE64")
    return decode_transfer(text.replace(b"_", b"=20"), b"QUOTED-PRINTABLE")
