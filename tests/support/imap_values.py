"""What a server says, as values: atoms, strings, lists.

So that two servers can be compared that quote, order and break differently.
Lenient: whether a response is a good one is `response_checker`'s affair.
"""

import re
from typing import Final, NewType

# A word that is not in quotes; a string is bytes, NIL is None.
Atom = NewType("Atom", str)
Value = Atom | bytes | None | list["Value"]

_TOKEN: Final = re.compile(
    rb' *(?:(?P<open>\()|(?P<close>\))|"(?P<quoted>(?:[^"\\]|\\.)*)"'
    rb"|~?\{(?P<literal>[0-9]+)\}\r\n"
    # The brackets of a section may hold spaces, quotes and parentheses.
    rb"|(?P<atom>(?:\[(?:[^\]\"]|\"(?:[^\"\\]|\\.)*\")*\]|[^ ()\"{}\[\r\n])+))",
    re.DOTALL,
)


class NotValues(Exception):
    """This can't be read as a list of values."""


def read_values(text: bytes) -> list[Value]:
    """Return the values that a response consists of, literals inside.

    Args:
        text: A response without the CRLF at its end.

    Raises:
        NotValues: Something is not closed, or is no token.
    """
    outer: list[list[Value]] = [[]]
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if not found:
            raise NotValues(text[at : at + 40])
        at = found.end()
        if found["open"]:
            outer.append([])
        elif found["close"]:
            if len(outer) == 1:
                raise NotValues("nothing to close")
            closed = outer.pop()
            outer[-1].append(closed)
        elif found["literal"]:
            end = at + int(found["literal"])
            outer[-1].append(text[at:end])
            at = end
        elif found["quoted"] is not None:
            outer[-1].append(
                re.sub(rb"\\(.)", rb"\1", found["quoted"], flags=re.DOTALL)
            )
        else:
            word = found["atom"].decode("latin-1")
            outer[-1].append(None if word.upper() == "NIL" else Atom(word))
    if len(outer) > 1:
        raise NotValues("not closed")
    return outer[0]


def read_fetch(response: bytes) -> tuple[int, dict[str, Value]] | None:
    """Return the sequence number and the items of a FETCH response, else None.

    Names of items are in upper case.
    """
    found = re.match(rb"\* ([0-9]+) FETCH ", response)
    if not found:
        return None
    (items,) = read_values(response[found.end() : -2])
    assert isinstance(items, list)
    names = [str(name).upper() for name in items[::2]]
    return int(found[1]), dict(zip(names, items[1::2], strict=True))
