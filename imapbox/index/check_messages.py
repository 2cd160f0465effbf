"""Checking the octets of messages, and their cards."""

import zlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, NamedTuple

from imapbox.disk import steps
from imapbox.disk.filesystem import Mode
from imapbox.disk.spool import PIECE
from imapbox.disk.steps import Steps
from imapbox.index.body import Place
from imapbox.index.mailbox_state import MailboxState
from imapbox.index.segment import segment_name
from imapbox.model.numbers import Uid

# What a larger message's card is made of would take too much memory.
LARGEST_COMPARED: Final = 64 * 1024 * 1024

MakeCard = Callable[[bytes], bytes]


class BadMessage(NamedTuple):
    """A message, or its card, that is not what was stored.

    Attributes:
        uid: Its UID.
        place: Where it lies.
        is_lost: Whether its octets are wrong; else only its card is.
        sentence: What is the matter.
    """

    uid: Uid
    place: Place
    is_lost: bool
    sentence: str


def check_messages(
    directory: str,
    state: MailboxState,
    make_card: MakeCard | None,
    among: Sequence[BadMessage] | None = None,
) -> Steps[list[BadMessage]]:
    """Read all messages of a mailbox, and return those that are not sound.

    Args:
        directory: Of its log.
        state: What the log says.
        make_card: Makes the card of a message, our own header lines left out, to
            compare it; None: cards are not looked at.
        among: Only these are looked at; None: all.
    """
    found = []
    wanted = None if among is None else {each.uid for each in among}
    for row in map(int, state.columns.alive_rows()):
        uid, place = Uid(int(state.columns["uid"][row])), state.columns.place(row)
        if wanted is not None and uid not in wanted:
            continue
        path = f"{directory}/{segment_name(place.segment)}"
        try:
            wrong = yield from steps.opened(
                path, Mode.READ, partial(check_place, place=place, make_card=make_card)
            )
        except FileNotFoundError:
            wrong = BadMessage(uid, place, is_lost=True, sentence="its segment is gone")
        except OSError as error:
            sentence = f"its octets can not be read: {error.strerror}"
            wrong = BadMessage(uid, place, is_lost=True, sentence=sentence)
        if wrong is not None:
            found.append(wrong._replace(uid=uid))
    return found


def check_place(
    fd: int, *, place: Place, make_card: MakeCard | None
) -> Steps[BadMessage | None]:
    """Look at one message in its segment."""
    start = place.offset - place.card_size
    card = yield from steps.pread(fd, place.card_size, start)
    kept: list[bytes] = []
    crc = [0, 0]
    done = 0
    while done < place.size:
        size = min(PIECE, place.size - done)
        octets = yield from steps.pread(fd, size, place.offset + done)
        if not octets:
            break
        own = max(0, place.header_size - done)
        crc = [zlib.crc32(octets[:own], crc[0]), zlib.crc32(octets[own:], crc[1])]
        if make_card is not None and place.size <= LARGEST_COMPARED:
            kept.append(octets[own:])
        done += len(octets)
    if done < place.size or crc != [place.header_crc, place.content_crc]:
        return BadMessage(
            Uid(0), place, is_lost=True, sentence="its octets are not what was stored"
        )
    if make_card is None or not place.card_size:
        return None
    sentence = ""
    if len(card) < place.card_size or zlib.crc32(card) != place.card_crc:
        sentence = "its card is not what was stored; it is made again for who asks"
    elif place.size <= LARGEST_COMPARED and make_card(b"".join(kept)) != card:
        sentence = "its card says something else than its octets"
    if sentence:
        return BadMessage(Uid(0), place, is_lost=False, sentence=sentence)
    return None
