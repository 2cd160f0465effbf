r"""Header fields as a dict from which twisted.mail makes right answers.

The stock server takes a dict for a header and asks it in two ways. It looks up
single fields by their lower-case names, for ENVELOPE and BODYSTRUCTURE: there it
finds the value unfolded. And it writes all of ``items()`` for BODY[HEADER], each
as ``name.title() + ": " + value`` with CRLF behind it: there it finds every field,
also the second Received, in its order, spelled and folded as it was sent, the
empty line behind the last one included.

What it can't carry is replaced: octets beyond ASCII, and NUL, by "?".
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from imapbox.mime.structure import Content, Parameters

_LINE_END: Final = re.compile("[\r\n]")
# What stock's reader of parameters, which splits at semicolons, would tear.
_TORN: Final = re.compile(r'[;"\x00-\x1f]')


class _Spelled(str):
    """A field's name, which stays as it was sent."""

    __slots__ = ()

    def title(self) -> str:
        return str(self)


class Field(NamedTuple):
    """One field, as it was sent."""

    name: str
    value: str


class HeaderFields(dict[str, str]):
    """Some fields of a header.

    As a dict: the first value of each, unfolded, by lower-case name.
    """

    def __init__(self, fields: list[Field]) -> None:
        super().__init__()
        self._fields = fields
        for name, value in fields:
            self.setdefault(name.lower(), _LINE_END.sub("", value).strip())

    def items(self) -> Iterator[tuple[str, str]]:  # type: ignore[override] # see above
        """Return all fields, as the stock server is to write them."""
        last = len(self._fields) - 1
        for number, (name, value) in enumerate(self._fields):
            yield _Spelled(name), value + "\r\n\r\n" if number == last else value


def read_header(header: bytes) -> list[Field]:
    """Return the fields of a header; a line that belongs to none is dropped."""
    text = _ascii(header).replace("\r\n", "\n")
    fields: list[Field] = []
    lines: list[str] = []
    for line in [*text.split("\n"), ""]:
        if line[:1] in {" ", "\t"} and lines:
            lines.append(line)
            continue
        if lines:
            name, colon, value = "\r\n".join(lines).partition(":")
            if colon and name.strip() and not _LINE_END.search(name):
                fields.append(Field(name.rstrip(), value.removeprefix(" ")))
        lines = [line]
    return fields


def content_field(content: Content, media_type: bytes, name: str) -> str | None:
    """Return the value of a Content field so that stock's readers understand it.

    Their splitting at ";" and "=" would raise an exception, which ends the
    connection, for fields that are common.

    Args:
        content: What the header says.
        media_type: With a slash.
        name: Of the field, in lower case.
    """
    if name == "content-type":
        value = _ascii(media_type)
        for key, text in _sound(content.parameters):
            value += f'; {key}="{text}"'
        return value
    if name == "content-disposition":
        if content.disposition is None:
            return None
        value = _ascii(content.disposition)
        for key, text in _sound(content.disposition_parameters):
            value += f"; {key}={text}"
        return value
    values = {
        "content-transfer-encoding": content.encoding or b"7BIT",
        "content-id": content.id,
        "content-description": content.description,
        "content-md5": content.md5,
        "content-location": content.location,
        "content-language": b", ".join(content.languages) or None,
    }
    found = values.get(name)
    return None if found is None else _ascii(found)


def _sound(parameters: Parameters) -> Iterator[tuple[str, str]]:
    for key, value in parameters:
        text = _ascii(value)
        if text and not _TORN.search(text):
            yield _ascii(key), text


def _ascii(octets: bytes) -> str:
    text = octets.decode("ascii", "replace")
    return text.replace("\ufffd", "?").replace("\0", "?")
