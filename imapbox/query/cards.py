"""What is asked of a message's card: known header fields, the sent date, the thread.

See Also:
    RFC 9051 §6.4.4 (FROM, SUBJECT, SENTON, HEADER).
"""

from collections.abc import Callable
from datetime import date
from typing import TypeAlias

from imapbox.mime.card import FIELD_BY_NAME, Card, Field
from imapbox.mime.message_ids import thread_id
from imapbox.model.criteria import Criterion, FieldHas, HasThreadId, Sent, When
from imapbox.query.needles import MAX_FIELD, as_one_line, header_needle

CardTest: TypeAlias = Callable[[Card], bool]


def card_test(criterion: Criterion) -> CardTest | None:
    """Return what says whether a message is so; None if no card tells."""
    match criterion:
        case HasThreadId(threadid):
            return lambda card: thread_id(card) == threadid
        case Sent(when, day):
            return lambda card: _sent(card, when, day)
        case FieldHas(name, text):
            field = FIELD_BY_NAME.get(name.lower().encode())
            if field is not None:
                wanted = header_needle(text)
                return lambda card: _has(card, field, wanted)
    return None


def _has(card: Card, field: Field, wanted: str) -> bool:
    text = card.field(field)
    return text is not None and wanted in as_one_line(text[:MAX_FIELD])


def _sent(card: Card, when: When, day: date) -> bool:
    # A message that has no date was never sent, whatever is asked.
    if card.sent is None:
        return False
    sent = card.sent.local_date
    if when is When.ON:
        return sent == day
    return sent < day if when is When.BEFORE else sent >= day
