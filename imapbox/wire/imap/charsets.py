"""The charsets in which a client may write what it searches for.

Python has codecs for much that is no charset (``zip``, ``idna``, ``rot13``),
and loads modules by whatever name it is given. So a client's name is only
looked up here, and what is found is our own name for a codec.

See Also:
    RFC 9051 §6.4.4 (CHARSET), §7.1 (BADCHARSET).
"""

from typing import Final

# By IANA's preferred name, which is what we tell. Strict: what a client says is
# Latin-1 is that, whatever mail means by it.
CHARSETS: Final = {
    "US-ASCII": "ascii",
    "UTF-8": "utf-8",
    **{
        f"ISO-8859-{part}": f"iso8859-{part}"
        for part in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16)
    },
    **{f"windows-{page}": f"cp{page}" for page in range(1250, 1259)},
    "KOI8-R": "koi8_r",
    "KOI8-U": "koi8_u",
    "ISO-2022-JP": "iso2022_jp",
    "Shift_JIS": "cp932",
    "EUC-JP": "euc_jp",
    "EUC-KR": "cp949",
    "GB2312": "gb18030",
    "GBK": "gb18030",
    "GB18030": "gb18030",
    "Big5": "big5hkscs",
}
_CODECS: Final = {name.lower(): codec for name, codec in CHARSETS.items()} | {
    "ascii": "ascii",
    "utf8": "utf-8",
    "latin1": "iso8859-1",
    "shift-jis": "cp932",
}


def codec_of(charset: bytes) -> str | None:
    """Return the codec for a charset, or None if we don't read it."""
    return _CODECS.get(charset.decode("latin-1").lower())
