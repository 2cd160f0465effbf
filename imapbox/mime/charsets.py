"""Text from octets, by the name of a charset that a stranger chose.

Python finds many things under a name: ``zlib_codec``, ``rot13``, ``idna``. So a
name is looked up here and nowhere else; only the charsets of mail are on the
list, each with the codec that reads it.

See Also:
    RFC 2978 (names of charsets), RFC 2045 §5.1 (charset), RFC 3501 §6.4.4.
"""

import codecs
from collections.abc import Mapping
from typing import Final

# Longer ones are on no list; so long a name is not even lowered.
_MAX_NAME: Final = 40

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
    "utf-16": "utf-16",
    "utf-16be": "utf-16-be",
    "utf-16le": "utf-16-le",
    "utf-32": "utf-32",
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


def find_codec(charset: bytes) -> str | None:
    """Return the codec for a charset, or None if it is not on the list.

    Args:
        charset: Its name, in any case, with "_" or "-".
    """
    if len(charset) > _MAX_NAME:
        return None
    name = charset.decode("latin-1").strip().lower().replace("_", "-")
    return _CODECS.get(name)


def is_known(charset: bytes) -> bool:
    """Say whether text in ``charset`` can be read."""
    return find_codec(charset) is not None


def decode_text(octets: bytes, charset: bytes) -> str:
    """Return ``octets`` as text; "\ufffd" stands for what can't be read.

    Of a charset that is not known, what is ASCII can be read.
    """
    codec = find_codec(charset)
    if codec is None:
        return octets.decode("ascii", "replace")
    return octets.decode(codec, "replace")


def decode_bare(octets: bytes) -> str:
    """Return octets that say nothing of their charset: UTF-8, or else ISO 8859-1."""
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return octets.decode("latin-1")


def open_decoder(charset: bytes) -> codecs.IncrementalDecoder:
    """Return what decodes a text in pieces, as `decode_text` would."""
    codec = find_codec(charset)
    return codecs.getincrementaldecoder(codec or "ascii")("replace")
