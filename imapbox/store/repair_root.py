"""Mending what belongs to no user: the store file; and what is left to others.

Permissions and owners are never changed: who opened a store to others may have
had a reason, and who it belongs to only root can say.
"""

from collections.abc import Iterable

from imapbox.disk import steps
from imapbox.disk.fence import CUT_OFF
from imapbox.disk.steps import Steps
from imapbox.index.check_names import is_ours, wrong_access
from imapbox.index.lost_found import keep, place_to_keep
from imapbox.index.repair import Job
from imapbox.store.format import (
    NotAStore,
    UnfinishedCopy,
    read_store_file,
    write_store_file,
)
from imapbox.store.layout import ROOT, SPOOL, STORE_FILE, USERS
from imapbox.store.users import NO_DIRECTORY, NOT_THERE, InTheWay, find_shards


def check_ways() -> Steps[None]:
    """See that what is to be mended could be: mail is there, and a place to keep it.

    Raises:
        InTheWay: It could not.
    """
    place = yield from place_to_keep()
    for path in (place, USERS):
        there = yield from steps.exists(path)
        if there and not (yield from steps.status(path)).is_directory:
            raise InTheWay(path, NO_DIRECTORY)
    if not (yield from steps.exists(STORE_FILE)):
        return
    if not (yield from steps.status(STORE_FILE)).is_file:
        raise InTheWay(STORE_FILE, "is no file; move it away, and one is made anew")
    if not (yield from steps.exists(USERS)):
        raise InTheWay(USERS, NOT_THERE)


def mend_spool(job: Job) -> Steps[None]:
    """Make the directory of messages on their way in, where there is none."""
    if (yield from steps.exists(SPOOL)):
        return
    with job.doing(SPOOL, "it is not there; it is made anew") as wanted:
        if wanted:
            yield from steps.make_directory(SPOOL)
            yield from steps.sync_directory(ROOT)


def mend_store_file(job: Job) -> Steps[None]:
    """Make the store file anew, if it is lost or garbled and users have mail here.

    Raises:
        UnfinishedCopy: Who is missing in it, nobody knows; it is made anew.
        NotAStore: Nobody has.
        UnknownFormat: An imapbox of another format made it.
    """
    try:
        if (yield from read_store_file()):
            return
        what = "empty or not there"
    except UnfinishedCopy:
        raise
    except NotAStore:
        what = "not what imapbox wrote"
    if not (yield from steps.exists(USERS)):
        raise NotAStore(STORE_FILE)
    with job.doing(STORE_FILE, f"it is {what}; it is made anew") as wanted:
        if not wanted:
            return
        if (yield from steps.exists(STORE_FILE)):
            yield from keep(ROOT, STORE_FILE)
        yield from write_store_file()


def leave_access_of_root(job: Job, owner: int) -> Steps[None]:
    """Note what is open to others, or theirs, above the users.

    Who looks for users says what should be a directory and is none.
    """
    yield from leave_access(job, (STORE_FILE, SPOOL, USERS), owner)
    for path in (yield from find_shards()):
        try:
            found = yield from steps.status(path)
        except OSError as error:
            if error.errno in CUT_OFF:
                raise
            continue  # who looks for users says it
        if found.is_directory:
            yield from leave_access(job, (path,), owner)


def leave_access_of_log(job: Job, directory: str, owner: int) -> Steps[None]:
    """Note what is open to others, or theirs, of a log."""
    names = []
    if (yield from steps.is_directory(directory)):
        names = yield from steps.list_directory(directory)
    files = (f"{directory}/{name}" for name in names if is_ours(name))
    yield from leave_access(job, (directory, *files), owner)


def leave_access(job: Job, paths: Iterable[str], owner: int) -> Steps[None]:
    """Note what is open to others, or theirs."""
    for path in paths:
        try:
            status = yield from steps.status(path)
        except FileNotFoundError:
            continue
        for sentence in wrong_access(status, owner):
            job.leave(path, sentence)
