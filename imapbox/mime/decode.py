"""Content transfer encodings, undone piece by piece.

Whatever comes, something comes out: what base64 doesn't know is passed over,
missing padding is done without, and in quoted-printable a "=" that says nothing
stands for itself. How the octets are cut into pieces makes no difference.

See Also:
    RFC 2045 §6 (encodings), §6.7 (quoted-printable), §6.8 (base64);
    RFC 9051 §6.4.5 (BINARY), §7.1 (UNKNOWN-CTE).
"""

import binascii
import re
from typing import Final, Protocol

_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_NOT_BASE64: Final = bytes(set(range(256)) - set(_BASE64))
_PADDING: Final = b"==="
# Longer lines are decoded before their end has come.
_MAX_LINE: Final = 64 * 1024
_HEX = re.compile(rb"=([0-9A-Fa-f]{2})")
_NOT_HEX = re.compile(rb"=(?![0-9A-Fa-f]{2})")
# What Python's decoder takes for something else than we do.
_ODD = re.compile(rb"=(?![0-9A-Fa-f]{2}|\r?\n)")
_ODD_ENDS: Final = (b" \r\n", b"\t\r\n", b" \n", b"\t\n", b"\r\r\n")
_MAYBE_MORE = re.compile(rb"(?:[ \t\r]{1,1000}|=[0-9A-Fa-f]?)\Z")


class UnknownCTE(Exception):
    """The part's transfer encoding is not known, or not one."""


class TransferDecoder(Protocol):
    """Undoes one encoding of one part."""

    def feed(self, octets: bytes) -> bytes:
        """Return what the next piece means, as far as that can be told."""
        ...

    def finish(self) -> bytes:
        """Return the rest, now that all has come. Ask once."""
        ...


def open_transfer_decoder(encoding: bytes) -> TransferDecoder:
    """Return what undoes ``encoding``, a name in any case.

    Raises:
        UnknownCTE: There is nothing that does.
    """
    match encoding.upper():
        case b"BASE64":
            return _Base64()
        case b"QUOTED-PRINTABLE":
            return _QuotedPrintable()
        case b"7BIT" | b"8BIT" | b"BINARY":
            return _Plain()
    raise UnknownCTE(encoding)


def decode_transfer(octets: bytes, encoding: bytes) -> bytes:
    """Return what ``octets`` mean, all of them at once.

    Raises:
        UnknownCTE: As of `open_transfer_decoder`.
    """
    decoder = open_transfer_decoder(encoding)
    return decoder.feed(octets) + decoder.finish()


class _Plain:
    def feed(self, octets: bytes) -> bytes:
        return octets

    def finish(self) -> bytes:
        return b""


class _Base64:
    """Four characters are three octets; "=" ends a run of fours early."""

    def __init__(self) -> None:
        self._rest = b""  # less than four characters

    def feed(self, octets: bytes) -> bytes:
        octets = self._rest + octets.translate(None, _NOT_BASE64)
        *runs, octets = octets.split(b"=")
        even = len(octets) & ~3
        self._rest = octets[even:]
        decoded = binascii.a2b_base64(octets[:even])
        return b"".join(map(_run, runs)) + decoded if runs else decoded

    def finish(self) -> bytes:
        return _run(self._rest)


def _run(characters: bytes) -> bytes:
    """Return what a run means; one character too many means nothing."""
    if len(characters) % 4 == 1:
        characters = characters[:-1]
    return binascii.a2b_base64(characters + _PADDING[: -len(characters) % 4])


class _QuotedPrintable:
    def __init__(self) -> None:
        self._rest = b""  # of a line that has not ended

    def feed(self, octets: bytes) -> bytes:
        octets = self._rest + octets
        at = octets.rfind(b"\n") + 1
        self._rest = octets[at:]
        decoded = _quoted_lines(octets[:at])
        if len(self._rest) > _MAX_LINE:
            more = _MAYBE_MORE.search(self._rest, len(self._rest) - 1000)
            at = more.start() if more else len(self._rest)
            decoded += _quoted(self._rest[:at])
            self._rest = self._rest[at:]
        return decoded

    def finish(self) -> bytes:
        return _quoted(self._rest.rstrip(b" \t").removesuffix(b"="))


def _quoted_lines(lines: bytes) -> bytes:
    """Return what whole lines mean."""
    if not _ODD.search(lines) and not any(end in lines for end in _ODD_ENDS):
        return binascii.a2b_qp(lines)
    return b"".join(map(_quoted_line, lines.split(b"\n")[:-1]))


def _quoted_line(line: bytes) -> bytes:
    """Return what a line means that was ended; its CR is still there."""
    end = b"\r\n" if line.endswith(b"\r") else b"\n"
    # Spaces at the end were added on the way: RFC 2045 §6.7, rule 3.
    text = line.rstrip(b" \t\r")
    if text.endswith(b"="):
        return _quoted(text[:-1])
    return _quoted(text) + end


def _quoted(text: bytes) -> bytes:
    """Return what a piece of a line means."""
    if b"=" not in text:
        return text
    if not _NOT_HEX.search(text):
        return binascii.a2b_qp(text)
    return _HEX.sub(_octet, text)


def _octet(match: re.Match[bytes]) -> bytes:
    return binascii.unhexlify(match[1])
