"""A message as a tree of parts.

All places are offsets in octets from the message's first one. A part is its
header, with the empty line that ends it, and its body; the parts of a multipart
lie in its body, and so does the one part of a message/rfc822, the message in it.

See Also:
    RFC 2045 §2.4 (body part, entity), RFC 9051 §6.4.5.1 (numbers of parts).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

# Raw fields of a header by their lower-case name, in their order; see `header`.
Fields = Mapping[bytes, Sequence[bytes]]
Parameters = tuple[tuple[bytes, bytes], ...]


class Kind(IntEnum):
    """What a part's body holds. Numbers are in cards: never use one again."""

    LEAF = 0
    MULTIPART = 1
    MESSAGE = 2


class Content(NamedTuple):
    """What the Content fields of a header say, as they say it.

    Attributes:
        type: b"" where no valid Content-Type is; so is ``subtype`` then.
        subtype: As sent, in its case.
        parameters: Of Content-Type, with RFC 2231's pieces put together.
        encoding: Content-Transfer-Encoding; None if there is no valid one.
        id: Content-ID.
        description: Content-Description.
        md5: Content-MD5.
        disposition: Content-Disposition without its parameters.
        disposition_parameters: These.
        languages: Content-Language.
        location: Content-Location.
    """

    type: bytes = b""
    subtype: bytes = b""
    parameters: Parameters = ()
    encoding: bytes | None = None
    id: bytes | None = None
    description: bytes | None = None
    md5: bytes | None = None
    disposition: bytes | None = None
    disposition_parameters: Parameters = ()
    languages: tuple[bytes, ...] = ()
    location: bytes | None = None

    def parameter(self, name: bytes) -> bytes | None:
        """Return the value of a parameter of Content-Type.

        Args:
            name: In lower case.
        """
        for key, value in self.parameters:
            if key.lower() == name:
                return value
        return None


NO_CONTENT = Content()


@dataclass(slots=True, eq=False)
class Part:
    """A part of a message, or the message itself.

    Attributes:
        header: Where its header is; empty or not, it ends where the body begins.
        body: Where its body is. The line end before a boundary is the boundary's.
        lines: Line feeds in the body.
        kind: What the body holds.
        content: What the header says of it.
        is_message: The message itself, or one in a message/rfc822.
        in_digest: A part of a multipart/digest.
        opaque: A container that lies too deep to be opened: a leaf.
        fields: Of a message, the raw fields that its envelope is made of.
        beginning: Of the first texts, some octets of the body, for the preview.
        parts: Of a multipart any number; of kind MESSAGE, exactly one.
    """

    header: range
    body: range
    lines: int = 0
    kind: Kind = Kind.LEAF
    content: Content = NO_CONTENT
    is_message: bool = False
    in_digest: bool = False
    opaque: bool = False
    fields: Fields = field(default_factory=dict)
    beginning: bytes = b""
    parts: list["Part"] = field(default_factory=list)

    @property
    def media_type(self) -> tuple[bytes, bytes]:
        """Type and subtype, as sent; what is assumed where they are missing.

        RFC 2045 §5.2 (text/plain), RFC 2046 §5.1.5 (multipart/digest).
        """
        if self.opaque:
            return b"application", b"octet-stream"
        if self.content.type:
            return self.content.type, self.content.subtype
        if self.kind is Kind.MESSAGE:
            return b"message", b"rfc822"
        return b"text", b"plain"
