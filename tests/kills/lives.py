"""Processes that live short: ``python -m tests.kills.lives ROOT``.

For each line of JSON that it reads, a process is forked that delivers and uses
IMAP on the store at ROOT until it is killed, or has done enough. What it does is
told on the standard output, a line each::

    born PID                       before it does anything
    found UIDNEXT MODSEQ           what the mailbox said at first
    modseq MODSEQ                  what it said later
    tries MARK                     a message that may come to be there
    has MARK UID                   a message whose delivery was acknowledged
    expunges UID / expunged UID    what may be gone, what must be
    replaces UID MARK              what may be gone, if the other is there
    sets FACT VALUE / set FACT     what a fact may be, what it must be
    holds JSON                     the facts as they are
    steps JSON                     how often it did what, if nothing killed it
    ended STATUS STEP              how it died, and what it was doing

It is forked from a process that has imported everything, since ten thousand
lives would else be spent on reading Python.
"""

import json
import os
import random
import sys
from importlib import import_module
from typing import Any, Final

import pytest_twisted
import twisted.internet.posixbase
import twisted.internet.ssl
import twisted.internet.testing

from imapbox.disk.disk_filesystem import DiskFileSystem
from imapbox.imap.factory import IMAPFactory
from imapbox.lmtp.factory import LMTPFactory
from imapbox.mailbox.account import UserAccount
from imapbox.mailbox.sharing_account import SharingAccount
from imapbox.store.deliveries import Deliveries
from imapbox.store.store import Store
from tests.support.watched_disk import Aim, Board, WatchedDisk

# All that a life needs: read before it begins. None of it may know the reactor,
# which can't be shared between processes.
PRELOADED: Final = (
    *(IMAPFactory, LMTPFactory, UserAccount, SharingAccount, Deliveries, Store),
    *(pytest_twisted, twisted.internet),
)


def say(*words: object) -> None:
    """Tell the test something, at once and whole."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def give_life(root: str, plan: dict[str, Any], board: Board) -> int:
    """Fork a process that lives; return its pid."""
    pid = os.fork()
    if pid:
        return pid
    say("born", os.getpid())
    aim = Aim(*plan["aim"]) if plan["aim"] else None
    disk = WatchedDisk(DiskFileSystem(root), board, aim)
    life = import_module("tests.kills.life")
    life.live(root, plan["name"], random.Random(plan["seed"]), disk)
    say("steps", json.dumps(disk.seen))
    os._exit(0)


def main() -> None:
    """Give life after life."""
    (root,) = sys.argv[1:]
    board = Board.new()
    for line in sys.stdin:
        board.write("nothing yet")
        pid = give_life(root, json.loads(line), board)
        _, status = os.waitpid(pid, 0)
        say("ended", os.waitstatus_to_exitcode(status), board.read())


if __name__ == "__main__":
    main()
