"""What other programs write as MIME is what we read."""

from email import policy
from email.encoders import encode_base64
from email.message import Message
from email.mime.base import MIMEBase
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from itertools import chain

from hypothesis import given
from hypothesis import strategies as st

from imapbox.mime.decode import decode_transfer
from imapbox.mime.structure import Kind
from tests.support.messages import card_of, parts_of, scan

POLICY = policy.compat32.clone(linesep="\r\n")


def text(words: str) -> Message:
    return MIMEText(words, "plain", "utf-8")


def attachment(octets: bytes) -> Message:
    part = MIMEBase("application", "x-any", name="any")
    part.set_payload(octets)
    part.add_header("Content-Disposition", "attachment", filename="any")
    encode_base64(part)
    return part


LEAVES = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "Zs"])).map(
    text
) | st.binary().map(attachment)


def containers(parts: st.SearchStrategy[Message]) -> st.SearchStrategy[Message]:
    return st.lists(parts, min_size=1, max_size=3).map(
        lambda several: MIMEMultipart(_subparts=several)
    ) | parts.map(MIMEMessage)


TREES = st.recursive(LEAVES, containers, max_leaves=8)


def leaves_of(message: Message) -> list[tuple[str, bytes]]:
    """Type and content of each leaf, as the standard library knows them."""
    return [
        (part.get_content_type(), part.get_payload(decode=True))
        for part in message.walk()
        if not part.is_multipart()
    ]


@given(TREES)
def test_the_standard_library(message: Message) -> None:
    """Each leaf that Python's email writes is found, with its type and content."""
    octets = message.as_bytes(policy=POLICY)
    found = []
    for part in parts_of(scan(octets)):
        if part.kind is Kind.LEAF:
            body = octets[part.body.start : part.body.stop]
            encoding = part.content.encoding or b"7bit"
            type_ = b"/".join(part.media_type).decode()
            found.append((type_, decode_transfer(body, encoding)))
    expected = [
        (type_, content.replace(b"\r\n", b"\n"))
        for type_, content in leaves_of(message)
    ]
    assert [
        (type_, content.replace(b"\r\n", b"\n")) for type_, content in found
    ] == expected


@given(TREES)
def test_every_part_has_its_numbers(message: Message) -> None:
    """Each leaf is found by the numbers that a client counts."""
    octets = message.as_bytes(policy=POLICY)
    card = card_of(octets)

    def numbered(
        part: Message, numbers: tuple[int, ...]
    ) -> list[tuple[tuple[int, ...], Message]]:
        """The leaves of a part, with their numbers: RFC 9051 §6.4.5.1."""
        if part.get_content_maintype() == "multipart":
            return list(
                chain.from_iterable(
                    numbered(inner, (*numbers, number))
                    for number, inner in enumerate(part.get_payload(), start=1)
                )
            )
        if part.get_content_type() == "message/rfc822":
            (inner,) = part.get_payload()
            if inner.get_content_maintype() == "multipart":
                return numbered(inner, numbers)
            return numbered(inner, (*numbers, 1))
        return [(numbers, part)]

    is_multipart = message.get_content_maintype() == "multipart"
    for numbers, part in numbered(message, () if is_multipart else (1,)):
        located = card.locate(numbers)
        assert located is not None, numbers
        assert located.media_type.decode() == part.get_content_type()
        body = octets[located.body.start : located.body.stop]
        assert decode_transfer(body, located.encoding).replace(
            b"\r\n", b"\n"
        ) == part.get_payload(decode=True).replace(b"\r\n", b"\n")
