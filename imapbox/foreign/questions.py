"""What is asked of an `ISearchableMailbox`: one text, as the stock server asks.

Flags, dates and sizes we know ourselves, and how several keys belong together.
"""

from imapbox.model.criteria import BodyHas, FieldHas, TextHas

_NAMED = frozenset({"bcc", "cc", "from", "subject", "to"})


class Unspeakable(Exception):
    """No client could have asked for this by a quoted string."""


def question(text: FieldHas | BodyHas | TextHas) -> list[bytes]:
    """Return a query.

    Raises:
        Unspeakable: There is none that every application reads alike.
    """
    # The stock server tells it no charset.
    if not text.text.isascii() or not text.text.isprintable():
        raise Unspeakable
    wanted = text.text.encode()
    if isinstance(text, FieldHas):
        name = text.name.lower()
        if name in _NAMED:
            return [name.upper().encode(), wanted]
        return [b"HEADER", name.encode("ascii", "replace"), wanted]
    return [b"BODY" if isinstance(text, BodyHas) else b"TEXT", wanted]
