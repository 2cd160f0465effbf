"""Cards are what docs/formats/card.md says, for any message."""

from hypothesis import given
from hypothesis import strategies as st

from imapbox.mime.card import Card, Field, make_card
from tests.formats import second_reader
from tests.support.messages import ANY_HEADERS, ANY_MESSAGES, parts_of, scan


@given(ANY_MESSAGES | ANY_HEADERS | st.binary())
def test_readers_agree_on_cards(message: bytes) -> None:
    """Whatever the message, the second reader finds in its card what imapbox finds."""
    root = scan(message)
    octets = make_card(root)
    card, second = Card(octets), second_reader.read_card(octets)
    assert (card.envelope, card.body) == (second.envelope, second.body)
    assert card.bodystructure == second.structure
    assert (card.preview, card.base_subject) == (second.preview, second.base_subject)
    assert card.sent == second.sent
    assert [card.field(field) for field in Field] == [
        second.fields.get(name) for name in second_reader.FIELDS
    ]
    parts = list(parts_of(root))
    assert [part[:4] for part in second.parts] == [
        (part.header.start, part.body.start, part.body.stop, part.lines)
        for part in parts
    ]
    for number, (part, record) in enumerate(zip(parts, second.parts, strict=True)):
        assert (record.kind, record.is_message) == (part.kind, part.is_message)
        assert record.after == number + sum(1 for _ in parts_of(part))
    for entity, record in zip(card.entities(), second.parts, strict=True):
        assert [entity.media_type, entity.charset, entity.encoding] == record.names
