"""Text from octets, by the name of a charset that a stranger chose.

Python finds many things under a name: ``zlib_codec``, ``rot13``, ``idna``. So a
name is looked up here and nowhere else; only the charsets of mail are on the
list, each with the codec that reads it.

See Also:
    RFC 2978 (names of charsets), RFC 2045 §5.1 (charset), RFC 3501 §6.4.4.
"""

import codecs
from collections.abc import Mapping
from typing import Final, Protocol

# Longer ones are on no list; so long a name is not even lowered.
_MAX_NAME: Final = 40
# A line of UTF-7 that is longer is cut.
_MAX_LINE: Final = 64 * 1024

# Not Python's, which raises where the mark of the byte order is missing.
_UTF_16: Final = "utf-16 with a mark"

# ASCII is read as UTF-8, which it is part of: what says it is ASCII and isn't
# is mostly that. ISO 8859-1 and -9 are read as the code pages that browsers
# and other servers take them for: the same, and quotation marks for C1 controls.
_CODECS: Final[Mapping[str, str]] = {
    "us-ascii": "utf-8",
    "ascii": "utf-8",
    "ansi-x3.4-1968": "utf-8",
    "iso-646.irv:1991": "utf-8",
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "unicode-1-1-utf-8": "utf-8",
    "unknown-8bit": "utf-8",
    "x-unknown": "utf-8",
    "utf-7": "utf-7",
    "unicode-1-1-utf-7": "utf-7",
    "utf-16": _UTF_16,
    "utf-16be": "utf-16-be",
    "utf-16le": "utf-16-le",
    "utf-32be": "utf-32-be",
    "utf-32le": "utf-32-le",
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "iso-8859-9": "cp1254",
    "iso8859-9": "cp1254",
    "latin5": "cp1254",
    "latin2": "iso8859-2",
    "latin-9": "iso8859-15",
    **{
        form % number: f"iso8859-{number}"
        for number in (2, 3, 4, 5, 6, 7, 8, 10, 11, 13, 14, 15, 16)
        for form in ("iso-8859-%d", "iso8859-%d")
    },
    "iso-8859-8-i": "iso8859-8",
    "iso-8859-8-e": "iso8859-8",
    "iso-8859-6-i": "iso8859-6",
    "iso-8859-6-e": "iso8859-6",
    **{
        form % number: f"cp{number}"
        for number in (874, *range(1250, 1259))
        for form in ("windows-%d", "cp%d", "cp-%d", "x-cp%d")
    },
    **{
        form % number: f"cp{number}"
        for number in (437, 737, 775, 850, 852, 855, 857, 858, *range(860, 867), 869)
        for form in ("cp%d", "ibm%d")
    },
    "koi8-r": "koi8-r",
    "koi8-u": "koi8-u",
    "koi8-t": "koi8-t",
    "macintosh": "mac-roman",
    "x-mac-cyrillic": "mac-cyrillic",
    "tis-620": "tis-620",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "cp936": "gb18030",
    "x-gbk": "gb18030",
    "gb18030": "gb18030",
    "hz-gb-2312": "hz",
    "big5": "big5hkscs",
    "cn-big5": "big5hkscs",
    "big5-hkscs": "big5hkscs",
    "cp950": "cp950",
    "euc-jp": "euc-jp",
    "x-euc-jp": "euc-jp",
    "shift-jis": "cp932",
    "x-sjis": "cp932",
    "sjis": "cp932",
    "windows-31j": "cp932",
    "cp932": "cp932",
    "iso-2022-jp": "iso2022-jp-ext",
    "iso-2022-jp-1": "iso2022-jp-1",
    "iso-2022-jp-2": "iso2022-jp-2",
    "iso-2022-jp-3": "iso2022-jp-3",
    "iso-2022-jp-2004": "iso2022-jp-2004",
    "cp50220": "iso2022-jp-ext",
    "euc-kr": "cp949",
    "ks-c-5601-1987": "cp949",
    "ksc5601": "cp949",
    "cp949": "cp949",
    "iso-2022-kr": "iso2022-kr",
    "johab": "johab",
}


class Decoder(Protocol):
    """Turns octets into text, piece by piece; U+FFFD stands for what is none."""

    def decode(self, octets: bytes, /, final: bool = False) -> str:  # noqa: FBT001, FBT002 - as `codecs` has it
        """Return the text of a piece, and with ``final`` of what is left."""
        ...


def is_known(charset: bytes) -> bool:
    """Say whether text in ``charset`` can be read."""
    return _find_codec(charset) is not None


def open_decoder(charset: bytes) -> Decoder:
    """Return what decodes a text in pieces.

    Of a charset that is not known, what is ASCII can be read.

    Args:
        charset: Its name, in any case, with "_" or "-".
    """
    codec = _find_codec(charset) or "ascii"
    if codec == _UTF_16:
        return _Utf16()
    if codec == "utf-7":
        return _Utf7()
    return codecs.getincrementaldecoder(codec)("replace")


def decode_text(octets: bytes, charset: bytes) -> str:
    """Return all of a text at once."""
    return open_decoder(charset).decode(octets, final=True)


def decode_bare(octets: bytes) -> str:
    """Return octets that say nothing of their charset: UTF-8, or else ISO 8859-1."""
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return octets.decode("latin-1")


def _find_codec(charset: bytes) -> str | None:
    if len(charset) > _MAX_NAME:
        return None
    name = charset.decode("latin-1").strip().lower().replace("_", "-")
    return _CODECS.get(name)


class _Utf16:
    """UTF-16, big-endian if it doesn't say. RFC 2781 §4.3."""

    def __init__(self) -> None:
        self._start = b""
        self._decoder: Decoder | None = None

    def decode(self, octets: bytes, /, final: bool = False) -> str:  # noqa: FBT001, FBT002 - as `codecs` has it
        if self._decoder is None:
            self._start += octets
            if len(self._start) < len(codecs.BOM_UTF16) and not final:
                return ""
            octets, mark = self._start, self._start[:2]
            name = "utf-16-le" if mark == codecs.BOM_UTF16_LE else "utf-16-be"
            self._decoder = codecs.getincrementaldecoder(name)("replace")
            if mark in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}:
                octets = octets[2:]
        return self._decoder.decode(octets, final)


class _Utf7:
    """UTF-7, line by line: Python's reads what is shifted again and again."""

    def __init__(self) -> None:
        self._rest = b""

    def decode(self, octets: bytes, /, final: bool = False) -> str:  # noqa: FBT001, FBT002 - as `codecs` has it
        octets = self._rest + octets
        at = len(octets) if final else octets.rfind(b"\n") + 1
        if len(octets) - at > _MAX_LINE:
            at = len(octets)
        self._rest = octets[at:]
        return octets[:at].decode("utf-7", "replace")
