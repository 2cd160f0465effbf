"""What is asked of columns, of cards and of octets, worked out of a criterion.

A thousand keys take tens of milliseconds: others have their turn between them.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple, TypeGuard

from imapbox.model.criteria import BodyHas, Criterion, FieldHas, Like, Text, TextHas
from imapbox.model.errors import SearchTextTooLong
from imapbox.query.cards import CardTest, card_test
from imapbox.query.columns import Bounds, ColumnTest, column_test
from imapbox.query.needles import MAX_NEEDLE
from imapbox.query.program import Program

Pause = Callable[[], Awaitable[None]]


class Plan(NamedTuple):
    """How the leaves of a program are answered, by their numbers.

    Attributes:
        program: Which.
        texts: Those of which an index may know.
        columns: Those of which columns tell.
        cards: Those of which cards tell.
        octets: The others.
    """

    program: Program
    texts: Mapping[int, Text]
    columns: Mapping[int, ColumnTest]
    cards: Mapping[int, CardTest]
    octets: Mapping[int, Criterion]


async def plan(criterion: Criterion, bounds: Bounds, pause: Pause) -> Plan:
    """Return how a criterion is asked of messages.

    Args:
        criterion: Which.
        bounds: What its words mean here and now.
        pause: Awaited after each leaf.

    Raises:
        SearchTextTooLong: No text that is asked for may be so long.
    """
    await pause()
    program = Program(criterion)
    texts, columns = dict[int, Text](), dict[int, ColumnTest]()
    cards, octets = dict[int, CardTest](), dict[int, Criterion]()
    for key, each in enumerate(program.leaves):
        leaf = each
        if _is_text(each):
            texts[key] = each
            # What an index does not know is looked for as it is.
            leaf = each.text if isinstance(each, Like) else each
        if isinstance(leaf, TextHas | BodyHas | FieldHas):
            _check_length(leaf.text)
        if (test := column_test(leaf, bounds)) is not None:
            columns[key] = test
        elif (of_card := card_test(leaf)) is not None:
            cards[key] = of_card
        else:
            octets[key] = leaf
        await pause()
    return Plan(program, texts, columns, cards, octets)


def _is_text(leaf: Criterion) -> TypeGuard[Text]:
    # The empty text is in every message.
    if isinstance(leaf, Like):
        return True
    return isinstance(leaf, TextHas | BodyHas | FieldHas) and bool(leaf.text)


def _check_length(text: str) -> None:
    if len(text) > MAX_NEEDLE:
        raise SearchTextTooLong
