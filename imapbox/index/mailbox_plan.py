"""Deciding what a mailbox whose log is broken will be."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, NamedTuple

from imapbox.disk import steps
from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Steps
from imapbox.index.body import Place
from imapbox.index.check_messages import check_place
from imapbox.index.found_bodies import FoundBody, find_bodies
from imapbox.index.head import Counts, Head
from imapbox.index.mailbox_state import MailboxState
from imapbox.index.new_log import Carried, NewLog
from imapbox.index.operations import Append, Relocate
from imapbox.index.own_segments import of_mailbox, own_head, own_segments
from imapbox.index.salvaged_mailbox import (
    Left,
    SalvagedMailbox,
    fits,
    fold_scans,
    may_be_cut_short,
)
from imapbox.index.segment import segment_name, segment_numbers
from imapbox.index.segment_scan import Gap, Scan, read_readable, scan_segment
from imapbox.index.snapshot import snapshot_names
from imapbox.index.snapshot_reader import MailboxSnapshots
from imapbox.model.flags import Flag
from imapbox.model.numbers import ModSeq, Uid, UidValidity

# A larger gap is not searched for messages; it is kept.
_LARGEST_GAP: Final = 512 * 1024 * 1024


class Stray(NamedTuple):
    """A message of which nobody knows for sure in whose mailbox it was.

    Attributes:
        segment: In which it was found.
        offset: Where there.
        size: In octets.
        emailid: BLAKE2b-128 of all octets.
    """

    segment: int
    offset: int
    size: int
    emailid: bytes


@dataclass(slots=True)
class MailboxPlan:
    """What a mailbox will be.

    Attributes:
        salvaged: What is left of it.
        number: Of the segment that will hold it.
        carried: The messages that will be there.
        lost: UIDs of messages whose octets can't be found.
        strays: Messages that may be others'.
        foreign: How many segments are of another log.
        unsure: Whether UIDs may have been given that nothing names any more.
    """

    salvaged: SalvagedMailbox
    number: int
    carried: list[Carried] = field(default_factory=list)
    lost: list[Uid] = field(default_factory=list)
    strays: list[Stray] = field(default_factory=list)
    foreign: int = 0
    unsure: bool = False

    @property
    def missing(self) -> int:
        """Return how many more messages there were, at least."""
        found = len(self.carried) + len(self.strays) + len(self.lost)
        return max(0, self.salvaged.exists - found)

    @property
    def uidvalidity(self) -> UidValidity:
        """Return the greatest UIDVALIDITY that anything names; 0: none."""
        return self.salvaged.counts.uidvalidity

    def log(self, mailbox_id: bytes, uidvalidity: UidValidity, time: int) -> NewLog:
        """Return the log that says so."""
        salvaged = self.salvaged
        modseq = ModSeq(salvaged.counts.modseq + 1)
        for number, each in enumerate(self.carried):
            if salvaged.has_gap:
                operation = each.operation._replace(modseq=modseq)
                self.carried[number] = each._replace(operation=operation)
        messages = [each.operation.message for each in self.carried]
        uidnext = max([salvaged.counts.uidnext, *(each.uid + 1 for each in messages)])
        counts = Counts(
            modseq,
            Uid(max(1, uidnext)),
            len(messages),
            sum(not each.flags & Flag.SEEN for each in messages),
            uidvalidity,
            sum(each.size for each in messages),
        )
        facts = salvaged.facts
        facts.mailbox_id = mailbox_id
        facts.floor = modseq
        base = facts.base(counts, time)
        return NewLog(self.number, base, counts, time, self.carried)


def plan_mailbox(
    directory: str,
    mailbox_id: bytes,
    head: Head | None,
    boot: int,
    make_card: Callable[[bytes], bytes],
) -> Steps[MailboxPlan]:
    """Read all that is left of a mailbox. Nothing is written.

    Args:
        directory: Of its log.
        mailbox_id: The mailbox's.
        head: If it is good.
        boot: `FileSystem.boot`.
        make_card: Makes the card of a message, our own header lines left out.
    """
    names = yield from steps.list_directory(directory)
    all_scans = yield from scan_all(directory, names, head)
    scans = own_segments(all_scans, head, of_mailbox(mailbox_id))
    head = own_head(head, all_scans, scans)
    seed = yield from _seed(directory, names, scans, head, mailbox_id)
    salvaged = fold_scans(scans, seed, head)
    number = next_number(names, head)
    plan = MailboxPlan(salvaged, number, unsure=may_be_cut_short(scans, head, boot))
    plan.foreign = len(all_scans) - len(scans)
    for uid in sorted(salvaged.messages):
        carried = yield from _carry(directory, salvaged.messages[uid], make_card)
        if carried is None:
            plan.lost.append(uid)
        else:
            plan.carried.append(carried)
    yield from _find_more(directory, plan, make_card)
    return plan


def next_number(names: Sequence[str], head: Head | None) -> int:
    """Return the number of a segment that has nothing to do with those before."""
    named = head.position.segment if head is not None else 0
    return max([named, *segment_numbers(list(names))]) + 2


def scan_all(
    directory: str, names: Sequence[str], head: Head | None
) -> Steps[list[Scan]]:
    """Read what can be read of all segments."""
    scans: list[Scan] = []
    for number in segment_numbers(list(names)):
        salts = []
        if scans and scans[-1].switch is not None:
            salts.append(scans[-1].switch.salt)
        if head is not None and head.position.segment == number:
            salts.append(head.position.salt)
        scans.append((yield from scan_segment(directory, number, salts)))
    return scans


def _seed(
    directory: str,
    names: Sequence[str],
    scans: list[Scan],
    head: Head | None,
    mailbox_id: bytes,
) -> Steps[MailboxState | None]:
    """Return the newest snapshot that is of this log, if it is of any use."""
    if all(scan.is_whole for scan in scans) and scans and scans[0].number == 1:
        return None
    for each in snapshot_names(list(names)):
        state = yield from MailboxSnapshots(checked=True).load(directory, each.name)
        if state is not None and fits(state, scans, head, mailbox_id):
            return state
    return None


def _carry(
    directory: str, left: Left, make_card: Callable[[bytes], bytes]
) -> Steps[Carried | None]:
    """Find a message's octets in one of its places."""
    message = left.message
    for segment, offset in reversed(left.places):
        place = Place(
            segment,
            offset,
            message.size,
            message.header_size,
            message.header_crc,
            message.content_crc,
            message.card_size,
            message.card_crc,
        )
        path = f"{directory}/{segment_name(segment)}"
        try:
            card = yield from steps.opened(
                path, Mode.READ, partial(_card_of, place=place, make_card=make_card)
            )
        except OSError:
            continue
        if card is None:
            continue
        said = message._replace(card_size=len(card), card_crc=zlib.crc32(card))
        return Carried(Relocate(left.modseq, said), card, segment, offset)
    return None


def _card_of(
    fd: int, *, place: Place, make_card: Callable[[bytes], bytes]
) -> Steps[bytes | None]:
    """Return a message's card, made anew if need be; None if it is not there."""
    wrong = yield from check_place(fd, place=place, make_card=make_card)
    if wrong is not None and wrong.is_lost:
        return None
    if wrong is None:
        octets: bytes = yield from steps.pread(
            fd, place.card_size, place.offset - place.card_size
        )
        return octets
    own = place.header_size
    octets = yield from steps.pread(fd, place.size - own, place.offset + own)
    return make_card(octets)


def _find_more(
    directory: str, plan: MailboxPlan, make_card: Callable[[bytes], bytes]
) -> Steps[None]:
    """Find messages whose octets lie where the index can't be read.

    One of which the index can be read elsewhere is that. Of others nobody knows
    whose they are: a disk may have written a block of another's log here.
    """
    lost = {plan.salvaged.messages[uid].message.emailid: uid for uid in plan.lost}
    known = plan.salvaged.emailids() - lost.keys()
    for gap in plan.salvaged.gaps:
        if not 0 < gap.end - gap.start <= _LARGEST_GAP:
            continue
        path = f"{directory}/{segment_name(gap.segment)}"
        octets = yield from steps.opened(
            path,
            Mode.READ,
            partial(read_readable, size=gap.end - gap.start, offset=gap.start),
        )
        for body in find_bodies(octets, make_card):
            if body.emailid in known:
                continue
            known.add(body.emailid)
            uid = lost.get(body.emailid)
            if uid is not None:
                plan.lost.remove(uid)
                left = plan.salvaged.messages[uid]
                _carry_found(plan, gap, body, left.message, left.modseq)
                continue
            place = gap.start + body.start
            plan.strays.append(Stray(gap.segment, place, body.size, body.emailid))
    plan.carried.sort(key=lambda each: each.operation.message.uid)


def _carry_found(
    plan: MailboxPlan, gap: Gap, body: FoundBody, message: Append, modseq: ModSeq
) -> None:
    said = message._replace(
        size=body.size,
        header_size=body.header_size,
        header_crc=body.header_crc,
        content_crc=body.content_crc,
        emailid=body.emailid,
        card_size=len(body.card),
        card_crc=zlib.crc32(body.card),
    )
    place = gap.start + body.start
    plan.carried.append(Carried(Relocate(modseq, said), body.card, gap.segment, place))
