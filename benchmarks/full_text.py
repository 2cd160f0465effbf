"""Measures searching with a full-text index, of a mailbox that has none at first.

Whoever offers SEARCH=FUZZY (RFC 6203) is asked for what is like the words, since
only then does imapbox look them up; from others a plain search must do.
"""

from collections.abc import Callable
from itertools import repeat
from typing import Final

from benchmarks.load.imap import ImapClient
from benchmarks.repetition import Figures, Stopwatch, checked, inbox, repeated
from benchmarks.scale import Scale
from benchmarks.servers import Server

# Most messages have both words.
_WORDS: Final = b"meeting invoice"
# All is in it as soon as a search takes so little of what the first one took.
_MADE: Final = 0.1
_NEW: Final = 100


def measure_full_text(server: Server, scale: Scale) -> dict[str, Figures]:
    """Return what it takes to make an index, to use it, and to keep it up.

    Its first user's INBOX holds ``scale.mailbox`` messages; some of them are copied.
    """
    with inbox(server) as client:
        client.command(b"CREATE words")
        client.command(b"COPY 1:%d words" % scale.indexed)
        client.select("words")
        search = checked(client, _question(client), b"* SEARCH ", 1)
        made = _made(server, search)
        again = repeated(server, repeat(search), scale.seconds)
        client.command(b"COPY 1:%d words" % _NEW)
        kept_up = Stopwatch(server)
        with kept_up.lap():
            search()
    return {"index": made, "search index": again, "index new": kept_up.figures()}


def _question(client: ImapClient) -> bytes:
    is_offered = any(b"SEARCH=FUZZY" in line for line in client.command(b"CAPABILITY"))
    return b'SEARCH %bTEXT "%b"' % (b"FUZZY " if is_offered else b"", _WORDS)


def _made(server: Server, search: Callable[[], None]) -> Figures:
    """Search until all is in the index; no search need wait for all of it."""
    stopwatch = Stopwatch(server)
    times = stopwatch.times
    while not times or times[-1] > _MADE * times[0]:
        with stopwatch.lap():
            search()
    return stopwatch.together()
