"""The moment of which a copy of a store is to be.

Users are copied one after the other, and what is moved from one to another would be
missed whenever the one who gets it is copied first. So all logs are cut where they
ended at one moment, before anybody was copied. See `log_cut`.

What was acknowledged before the copy was begun is below the heads that are read
first. And if a message leaves a log by a frame of the moment or before, then what
brought it to another log was written earlier, and before that one's end was read.
"""

from collections.abc import Mapping
from typing import NamedTuple

from imapbox.disk import steps
from imapbox.disk.fence import CUT_OFF
from imapbox.disk.steps import Steps
from imapbox.index.head import Head
from imapbox.index.head_file import head_octets
from imapbox.index.log_copy import Extent
from imapbox.index.log_cut import cut_log, floor_of_new
from imapbox.index.read import HEAD_TRIES
from imapbox.model.names import UserName
from imapbox.store.layout import mailbox_directory, mailbox_ids, mailboxes_directory
from imapbox.store.users import users_with_directory

_NOT_KNOWN = b""


class Moment(NamedTuple):
    """A moment at which nobody was copied yet.

    Attributes:
        time: Microseconds since 1970 UTC.
        heads: What the mailboxes' heads said before it, by id, for each user; as
            octets, of which a hundred thousand are a few megabytes. None are of
            whose head could not be read, or was of another start of the machine:
            that may not tell all. None: his mailboxes could not be listed.
    """

    time: int
    heads: dict[UserName, dict[bytes, bytes] | None]


def begin_moment(boot: int) -> Steps[Moment]:
    """Look at all mailboxes, and at the clock then.

    Args:
        boot: Of this start of the machine.

    Raises:
        InTheWay: There is no directory with anybody's mail.
        OSError: It can't be read, or the file system is gone.
    """
    heads: dict[UserName, dict[bytes, bytes] | None] = {}
    for user in (yield from users_with_directory()).users:
        try:
            names = yield from steps.list_directory(mailboxes_directory(user))
        except OSError as error:
            _check_there(error)
            heads[user] = None
            continue
        here = heads[user] = dict[bytes, bytes]()
        for mailbox_id in mailbox_ids(names):
            directory = mailbox_directory(user, mailbox_id)
            here[mailbox_id] = yield from _good_octets(directory, boot)
    return Moment(int((yield from steps.now()) * 1_000_000), heads)


def cut_mailboxes(
    moment: Moment, user: UserName, mailboxes: Mapping[bytes, Extent]
) -> Steps[dict[bytes, Extent]]:
    """Return a user's logs as they were at a moment.

    Raises:
        CanNotCut: One of them has to be taken as it is now, and so the others,
            too: else what was moved from it since would be in none.
    """
    heads = moment.heads.get(user, {})
    cut: dict[bytes, Extent] = {}
    for mailbox_id, extent in mailboxes.items():
        directory = mailbox_directory(user, mailbox_id)
        if heads is None:
            floor = None
        elif mailbox_id in heads:
            floor = Head.decode(heads[mailbox_id])
        else:
            floor = yield from floor_of_new(directory, extent)
        cut[mailbox_id] = yield from cut_log(directory, extent, floor, moment.time)
    return cut


def _good_octets(directory: str, boot: int) -> Steps[bytes]:
    """Return a head that tells all that was acknowledged, as octets."""
    for _ in range(HEAD_TRIES):
        try:
            octets = yield from head_octets(directory)
        except OSError as error:
            _check_there(error)
            break
        head = Head.decode(octets)
        if head is not None:
            return octets if head.boot == boot else _NOT_KNOWN
        if not octets:
            break
    return _NOT_KNOWN


def _check_there(error: OSError) -> None:
    """Raise what is said of the whole file system, and of no mailbox."""
    if error.errno in CUT_OFF:
        raise error
