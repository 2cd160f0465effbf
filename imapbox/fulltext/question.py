"""What is searched for, as a query of tantivy's.

Each word must be there, or one like it: one that begins so, or that differs in one
letter; in two, if it is long. What is as it was asked for counts for more, and so
does a subject.
"""

from collections.abc import Sequence
from typing import Final

from tantivy import FieldType, Occur, Query, Schema

from imapbox.fulltext.words import TEXTS, Asked, words_asked
from imapbox.model.criteria import BodyHas, FieldHas, Like

_EXACT: Final = 2.0
_BEGINNING: Final = 0.8
_SIMILAR: Final = 0.4
_IN_ORDER: Final = 2.0
# Where TEXT looks, and what it counts there.
_ANYWHERE: Final = {"subject": 3.0, "from": 2.0, "header": 1.0, "body": 1.0}
# By its length: how many letters may be others. "Helo" is "hello": RFC 6203 §4.
_ONE_LETTER: Final = 4
_TWO_LETTERS: Final = 8
_LONG_ENOUGH_TO_BEGIN: Final = 3


def question(schema: Schema, like: Like, uids: range) -> Query:
    """Return what finds messages.

    Args:
        schema: Of the index.
        like: What is looked for; there are words in it.
        uids: Among these.
    """
    words = words_asked(like)
    places = _places(like)
    # It is no merit to be among them.
    among = Query.const_score_query(within(schema, uids), 0.0)
    parts = [(Occur.Must, among)]
    for word in words:
        everywhere = [
            (Occur.Should, Query.boost_query(_word(schema, place, word), boost))
            for place, boost in places.items()
        ]
        parts.append((Occur.Must, Query.boolean_query(everywhere)))
    if len(words) > 1:
        parts += [
            (Occur.Should, Query.boost_query(each, _IN_ORDER))
            for each in _in_order(schema, places, words)
        ]
    return Query.boolean_query(parts)


def within(schema: Schema, uids: range) -> Query:
    """Return what finds all messages with these UIDs."""
    unsigned = FieldType.Unsigned
    return Query.range_query(schema, "uid", unsigned, uids.start, uids.stop - 1)


def _places(like: Like) -> dict[str, float]:
    if isinstance(like.text, FieldHas):
        return {like.text.name.lower(): 1.0}
    if isinstance(like.text, BodyHas):
        return {"body": 1.0}
    return _ANYWHERE


def _word(schema: Schema, place: str, asked: Asked) -> Query:
    word = asked.text
    if asked.is_run:
        if len(word) > 1 and place in TEXTS:
            return Query.phrase_query(schema, place, list(word))
        each = [(Occur.Must, Query.term_query(schema, place, one)) for one in word]
        return Query.boolean_query(each)
    ways = [Query.boost_query(Query.term_query(schema, place, word), _EXACT)]
    if len(word) >= _LONG_ENOUGH_TO_BEGIN:
        begins = Query.fuzzy_term_query(schema, place, word, distance=0, prefix=True)
        ways.append(Query.boost_query(begins, _BEGINNING))
    if len(word) >= _ONE_LETTER:
        distance = 2 if len(word) >= _TWO_LETTERS else 1
        similar = Query.fuzzy_term_query(schema, place, word, distance=distance)
        ways.append(Query.boost_query(similar, _SIMILAR))
    return Query.boolean_query([(Occur.Should, way) for way in ways])


def _in_order(
    schema: Schema, places: dict[str, float], words: Sequence[Asked]
) -> list[Query]:
    """Return what finds the words beside one another, in their order."""
    terms: list[str | tuple[int, str]] = []
    for word in words:
        terms += list(word.text) if word.is_run else [word.text]
    return [
        Query.phrase_query(schema, place, terms) for place in places if place in TEXTS
    ]
