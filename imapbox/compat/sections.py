"""Sections of messages, from any IMessage. RFC 3501 §6.4.5."""

from copy import copy
from typing import Any

from twisted.mail import imap4
from twisted.mail.interfaces import IMessageIMAPFile

# Twisted's, which has no types.
_format_headers: Any = imap4._formatHeaders  # noqa: SLF001 - the stock server's own


def label_of(item: Any) -> bytes:
    """Return how FETCH tells an item: ``BODY[1.MIME]``, ``BODY[]<10>``.

    Args:
        item: A `_FetchParser.Body` of the stock server.
    """
    whole = copy(item)
    whole.partialBegin = None
    label = bytes(whole)
    if item.partialBegin is not None:
        label += b"<%d>" % item.partialBegin
    return label


def octets_of(item: Any, message: Any) -> bytes | None:
    """Return what an item asks for, its partial taken; None if there is none."""
    octets = _section(item, message)
    if octets is None or item.partialBegin is None:
        return octets
    return octets[item.partialBegin :][: item.partialLength]


def _section(item: Any, message: Any) -> bytes | None:
    if item.empty and not item.part:
        return _whole(message)
    target = message
    for number in item.part:
        if (target := _part(target, number)) is None:
            return None
    # A part's header and text are those of the message in it.
    if item.part and (item.header or item.text):
        target = _message_in(target)
    if target is None:
        return None
    if item.mime:
        return _header(target)
    if item.header:
        fields = item.header.fields or ()
        return _header(target, *fields, negate=item.header.negate)
    return _all(target.getBodyFile())


def _part(target: Any, number: int) -> Any:
    """Return part ``number``, from 0, of a part; None if there is none."""
    inner = _message_in(target) or target
    if inner.isMultipart():
        try:
            return inner.getSubPart(number)
        except IndexError:
            return None
    # What is no multipart has one part, its text.
    return inner if number == 0 else None


def _message_in(target: Any) -> Any:
    """Return the message that a message/rfc822 holds; None if it is none."""
    type_ = target.getHeaders(0, "content-type").get("content-type", "")
    if type_.partition(";")[0].strip().lower() != "message/rfc822":
        return None
    try:
        return target.getSubPart(0)
    except (IndexError, TypeError):
        return None


def _header(target: Any, *names: bytes, negate: bool = True) -> bytes:
    octets: bytes = _format_headers(target.getHeaders(negate, *names))
    # A dict of the usual kind tells no empty line.
    is_complete = octets.endswith(b"\r\n\r\n") or octets == b"\r\n"
    return octets if is_complete else octets + b"\r\n"


def _whole(message: Any) -> bytes:
    file: Any = IMessageIMAPFile(message, None)
    if file is not None:
        return _all(file.open())
    return _header(message) + _all(message.getBodyFile())


def _all(file: Any) -> bytes:
    octets: bytes = file.read()
    return octets
