"""What somebody put into the store behind our back: rows 26 and 30."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks.load.imap import Refused
from benchmarks.load.lmtp import LmtpClient, stuffed
from benchmarks.servers import EndedEarly, Server, imapbox, short_directory
from imapbox.disk.disk_filesystem import DiskFileSystem
from imapbox.disk.steps import perform
from imapbox.index.create import create_log
from imapbox.index.head import Counts
from imapbox.index.operations import Base
from imapbox.index.settings import Settings
from imapbox.model.numbers import MAX_MODSEQ, MAX_UID, ModSeq, Uid, UidValidity
from tests.support.checked_clients import CheckedClient
from tests.support.inbox import inbox_of
from tests.support.victim import MIB, client_of, unharmed_by_it

CANARY = "carol"
MESSAGE = b"Subject: planted\r\n\r\nx\r\n"
# What of an account is replaced by a link; "*" is its INBOX. What is not there yet
# is where a server would make it.
PLACES = (
    "cache",
    "mailboxes/*/damaged",
    "mailboxes/*/snap.1.64.0123456789abcdef",
    "account/head",
    "account/lock",
    "account/log.1",
    "account",
    "mailboxes/*/head",
    "mailboxes/*/lock",
    "mailboxes/*/log.1",
    "mailboxes/*",
    "mailboxes",
    "",
)


def user_of(place: str) -> str:
    return f"user{PLACES.index(place)}"


def directory_of(store: Path, user: str) -> Path:
    (directory,) = store.glob(f"users/*/{user}")
    return directory


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """A store in which there is one message for each place's user."""
    users = list(map(user_of, PLACES))
    with short_directory() as directory:
        store = directory / "store"
        with (
            imapbox(store, dict.fromkeys(users, "secret"), deliverers=0) as server,
            LmtpClient(server.lmtp) as lmtp,
        ):
            lmtp.must_deliver(stuffed(MESSAGE), *users)
        yield store


@contextmanager
def prepared(made: Path, *users: str) -> Iterator[tuple[Path, dict[str, str]]]:
    """A copy of it, where no server runs, and passwords of ``users``."""
    with short_directory() as directory:
        store = shutil.copytree(made, directory / "store")
        yield store, dict.fromkeys(users, "secret")


@contextmanager
def serving(store: Path, passwords: dict[str, str]) -> Iterator[Server]:
    """Serve it to a canary, too, who feels nothing of what others meet."""
    with (
        imapbox(store, passwords | {CANARY: "secret"}, deliverers=0) as server,
        unharmed_by_it(server, CANARY),
    ):
        yield server


def answers_to(server: Server, user: str, body: bytes = b"x") -> list[bytes]:
    """Return what is said to a user who logs in, reads and appends, and gets mail."""
    said = []
    with CheckedClient(server.imap) as client:
        for command in (
            f"LOGIN {user} secret",
            "SELECT INBOX",
            "FETCH 1:* BODY[]",
            "SEARCH FUZZY BODY x",
            "STORE 1:* +FLAGS (\\Deleted)",
            "EXPUNGE",
            f"APPEND INBOX {{{len(body)}+}}\r\n{body.decode()}",
        ):
            try:
                client.command(command.encode())
            except Refused as refused:
                said.append(refused.args[0].split(b" ", 1)[1])
            except ConnectionError:
                break
    with LmtpClient(server.lmtp) as lmtp:
        said += lmtp.deliver(stuffed(MESSAGE + body), [user])
    return said


def tree(top: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(top)): path.read_bytes()
        for path in top.rglob("*")
        if path.is_file()
    }


def test_links_are_not_followed(made: Path) -> None:
    """Row 26: a link in the store is an error; what it points to stays as it is."""
    with prepared(made, *map(user_of, PLACES)) as (store, passwords):
        outside = store.parent / "outside"
        for place in PLACES:
            user = user_of(place)
            directory = directory_of(store, user)
            link = directory / place.replace("*", inbox_of(directory).name)
            target = outside / user
            target.parent.mkdir(exist_ok=True)
            if link.exists():
                link.rename(target)
            elif place == "cache":
                target.mkdir()
            else:
                target.write_bytes(b"kept")
            link.symlink_to(target)
        before = tree(outside)
        with serving(store, passwords) as server:
            for user in passwords:
                said = answers_to(server, user)
                *_, delivered = said
                assert delivered.startswith((b"250 ", b"451 "))
        assert tree(outside) == before


@pytest.mark.parametrize("place", ["imapbox-store", "spool", "users", "users/*"])
def test_links_in_the_store_itself(made: Path, place: str) -> None:
    """Row 26: where one of the store's own names is a link, no mail is served.

    A server that can't begin says which name it was.
    """
    with prepared(made, "user0") as (store, passwords):
        link = directory_of(store, "user0").parent if "*" in place else store / place
        target = store.parent / "outside"
        link.rename(target)
        link.symlink_to(target)
        before = tree(store.parent)
        try:
            with imapbox(store, passwords, deliverers=0) as server:
                said = answers_to(server, "user0", body=b"x" * MIB)
                assert said[-1].startswith(b"451 ")
                assert "Traceback" not in server.log.read_text()
        except EndedEarly as ended:
            *_, log = ended.args
            assert f": '{place}'" in log
        assert tree(store.parent) == before


@pytest.mark.parametrize(("uidnext", "modseq"), [(MAX_UID - 1, 1), (1, MAX_MODSEQ - 1)])
def test_numbers_do_not_wrap(made: Path, uidnext: int, modseq: int) -> None:
    """Row 30: where UIDs or modseqs end, mail is put off and nothing wraps."""
    with prepared(made, "user0") as (store, passwords):
        inbox = inbox_of(directory_of(store, "user0"))
        replace_log(store, inbox, uidnext, modseq)
        with (
            serving(store, passwords) as server,
            LmtpClient(server.lmtp) as lmtp,
        ):
            replies = [lmtp.deliver(MESSAGE, ["user0"])[0][:9] for _ in range(3)]
            assert replies == [b"250 2.0.0", b"452 4.2.2", b"452 4.2.2"]
            with client_of(server, "user0") as client:
                assert client.exists == 1
                with pytest.raises(Refused, match="LIMIT"):
                    client.command(b"APPEND INBOX {1+}\r\nx")
                (row,) = client.command(b"FETCH 1:* (UID)")
                assert int(row.split()[4].rstrip(b")")) == uidnext


def replace_log(store: Path, inbox: Path, uidnext: int, modseq: int) -> None:
    """Make a mailbox anew, empty, at the end of its numbers."""
    shutil.rmtree(inbox)
    validity = UidValidity(1_700_000_000)
    base = Base(
        bytes.fromhex(inbox.name), validity, Uid(uidnext), ModSeq(modseq), ModSeq(0)
    )
    files = DiskFileSystem(str(store))
    steps = create_log(
        str(inbox.relative_to(store)),
        base.encode(),
        Counts(ModSeq(modseq), Uid(uidnext), 0, 0, validity, 0),
        Settings(files.boot, files.node, files.pid),
    )
    perform(steps, files)
