"""Undo and copies of a store, beside real servers that deliver and are asked."""

import imaplib
import json
import os
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.load.lmtp import LmtpClient, stuffed
from benchmarks.servers import Server
from imapbox.app.command import main
from tests.support.command import IMAPBOX, run
from tests.support.inbox import inbox_of
from tests.support.stored_mail import stored_mail

ALICE = "alice"
NOBODY = 65534
COUNT = 20
_MARK = re.compile(rb"Subject: mark-(\d+)\.")


def ask(command: str, store: Path, *arguments: str) -> tuple[int, str]:
    """Do so in this process, as what only reads can be."""
    done = CliRunner().invoke(main, [command, "--store", str(store), *arguments])
    return done.exit_code, done.output


@pytest.fixture(scope="module")
def made_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store in which alice has an account, not to be changed."""
    store = tmp_path_factory.mktemp("made") / "store"
    subprocess.run([IMAPBOX, "user", "add", "--store", store, ALICE], check=True)
    return store


class Deliverer:
    """Delivers numbered messages, one by one.

    Attributes:
        answered: How many were acknowledged.
    """

    def __init__(self, server: Server) -> None:
        self.answered = 0
        self._server = server
        self._over = threading.Event()

    def deliver(self, count: int = 1, size: int = 2000) -> None:
        """Deliver some."""
        with LmtpClient(self._server.lmtp) as client:
            for _ in range(count):
                text = f"Subject: mark-{self.answered}.\r\n\r\n{'x' * size}\r\n"
                client.must_deliver(stuffed(text.encode()), ALICE)
                self.answered += 1

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Deliver all the while."""

        def work() -> None:
            while not self._over.is_set():
                self.deliver(5)

        with ThreadPoolExecutor(1) as pool:
            working = pool.submit(work)
            try:
                yield
            finally:
                self._over.set()
                working.result()


@contextmanager
def client(server: Server) -> Iterator[imaplib.IMAP4]:
    """Log in and select INBOX."""
    with imaplib.IMAP4(*server.imap) as imap:
        imap.login(ALICE, server.passwords[ALICE])
        imap.select()
        yield imap


def marks(store: Path) -> list[int]:
    """Return the numbers of the messages in INBOX, in the order of their UIDs."""
    (home,) = store.glob(f"users/*/{ALICE}")
    found = stored_mail(store, inbox_of(home))
    return [int(_MARK.search(body)[1]) for _, body in sorted(found.items())]


def test_a_user_deleted_all_mail(imapbox_server: Server) -> None:
    """The log says what happened, and undo brings it back beside a deliverer."""
    store = imapbox_server.store
    deliverer = Deliverer(imapbox_server)
    deliverer.deliver(COUNT)
    with client(imapbox_server) as imap:
        imap.store("1:*", "+FLAGS", "(\\Seen \\Deleted)")
        imap.expunge()
        status, said = run("log", store, "--json", ALICE)
        assert status == 0
        *_, marked, expunged = json.loads(said)["changes"]
        assert (marked["what"], marked["uids"]) == ("flags", f"1:{COUNT}")
        assert (expunged["what"], expunged["uids"]) == ("expunged", f"1:{COUNT}")
        to = str(marked["modseq"])
        looked = run("undo", store, "--to", to, "--dry-run", ALICE, "INBOX")
        assert looked == (0, f"{COUNT} messages would come back: UID 1:{COUNT}\n")
        with deliverer.at_work():
            status, said = run("undo", store, "--to", to, ALICE)
        assert status == 0
        assert said.startswith(f"{COUNT} messages came back: UID 1:{COUNT} as ")
        imap.noop()
        assert imap.response("EXISTS")[1][-1] == b"%d" % deliverer.answered
        _, (seen,) = imap.search(None, "SEEN")
        assert len(seen.split()) == COUNT, "flags are kept"
        assert imap.search(None, "DELETED")[1] == [b""]
    assert sorted(marks(store)) == list(range(deliverer.answered))
    again = run("undo", store, "--to", to, ALICE)
    assert again == (0, f"Nothing was expunged since modseq {to} that is not back.\n")
    assert "brought back" in run("log", store, ALICE)[1]
    assert ask("check", store)[0] == 0


def test_a_copy_is_made_while_mail_comes(
    imapbox_server: Server, tmp_path: Path
) -> None:
    """All that was answered before is in it, it is sound, and a store of its own."""
    store, copy = imapbox_server.store, tmp_path / "copy"
    deliverer = Deliverer(imapbox_server)
    deliverer.deliver(COUNT)
    with deliverer.at_work():
        answered = deliverer.answered
        status, said = run("snapshot", store, str(copy))
        assert status == 0, said
    assert ask("check", copy)[0] == 0
    found = marks(copy)
    assert found == list(range(len(found)))
    assert len(found) >= answered
    assert f"{len(found)} messages" in said
    delivered = subprocess.run(
        [IMAPBOX, "deliver", "--store", copy, ALICE],
        input=b"Subject: mark-9.\n\nx\n",
        check=False,
    )
    assert delivered.returncode == 0
    assert marks(copy) == [*found, 9]
    assert marks(store) == list(range(deliverer.answered))


def uidvalidity(store: Path) -> int:
    """Return what the log of INBOX says."""
    status, said = run("log", store, "--json", ALICE)
    assert status == 0
    return json.loads(said)["uidvalidity"]


def test_a_mailbox_comes_back_from_a_copy(
    imapbox_server: Server, tmp_path: Path
) -> None:
    """Under a new name, or in its place, where a session that has it ends."""
    store, copy = imapbox_server.store, tmp_path / "copy"
    back = ("--from", str(copy))
    deliverer = Deliverer(imapbox_server)
    deliverer.deliver(COUNT)
    assert run("snapshot", store, str(copy))[0] == 0
    with client(imapbox_server) as imap:
        imap.store("1:*", "+FLAGS", "\\Deleted")
        imap.expunge()
        deliverer.deliver(2)
        assert run("restore", store, *back, "--as", "Back", ALICE)[0] == 0
        assert imap.select("Back")[1] == [b"%d" % COUNT]
        assert run("restore", store, *back, "--as", "Back", ALICE)[0] == 1
        imap.select()
        before = uidvalidity(store)
        status, said = run("restore", store, *back, "--in-place", ALICE)
        assert status == 0, said
        assert "2 messages that did not come from the copy were kept" in said
        with pytest.raises(imaplib.IMAP4.abort):
            for _ in range(2):  # the first may still be answered, behind a BYE
                imap.noop()
        imap.shutdown()
        imap.state = "LOGOUT"  # else it says so, to nobody
    assert uidvalidity(store) > before
    with client(imapbox_server) as imap:
        _, found = imap.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
        said = b"".join(each[1] for each in found if isinstance(each, tuple))
        assert [int(n) for n in _MARK.findall(said)] == list(range(COUNT + 2))
    assert ask("check", store)[0] == 0
    for wrong in (["--as", "x", "--in-place"], []):
        assert ask("restore", store, *back, *wrong, ALICE)[0] == 2


def test_a_store_that_was_restored(made_store: Path, tmp_path: Path) -> None:
    """All mailboxes have new UIDVALIDITYs, and nothing else is changed."""
    store = shutil.copytree(made_store, tmp_path / "store")
    before = uidvalidity(store)
    status, said = run("restored", store)
    assert (status, said) == (0, "1 users: new UIDVALIDITY for 6 mailboxes\n")
    assert uidvalidity(store) > before
    assert ask("check", store)[0] == 0
    assert not (store / "restoring").exists()


def test_a_copier_is_killed(imapbox_server: Server, tmp_path: Path) -> None:
    """The store feels nothing of it; what was copied is no store."""
    store, copy = imapbox_server.store, tmp_path / "copy"
    deliverer = Deliverer(imapbox_server)
    deliverer.deliver(8, size=4_000_000)
    with subprocess.Popen([IMAPBOX, "snapshot", "--store", store, copy]) as copying:
        while not any(copy.glob("users/*/*")):
            assert copying.poll() is None
        copying.send_signal(signal.SIGKILL)
    deliverer.deliver(COUNT)
    assert ask("check", store)[0] == 0
    assert marks(store) == list(range(deliverer.answered))
    assert ask("locks", store)[1].count("\n") == 1, "no lock is left held"
    if not (copy / "imapbox-store").exists():  # else it was faster than the kill
        assert (copy / "unfinished").exists()
        status, said = run("snapshot", store, str(copy))
        assert (status, "is not finished" in said) == (2, True)
        assert ask("check", copy)[0] == 1


def test_where_no_copy_can_be(made_store: Path, tmp_path: Path) -> None:
    """Not in the store itself, not where something is, and not of nothing."""
    store = shutil.copytree(made_store, tmp_path / "store")
    for of, to in ((store, store / "copy"), (store, tmp_path), (tmp_path, "copy")):
        assert ask("snapshot", of, str(to))[0] == 2
    assert not (store / "copy").exists()


def test_root_copies_for_the_owner(
    open_directory: Path, require_root: Callable[[], None]
) -> None:
    """What root has copied belongs to whoever the store belongs to."""
    require_root()
    store, copy = open_directory / "store", open_directory / "copy"
    store.mkdir()
    os.chown(store, NOBODY, NOBODY)
    subprocess.run([IMAPBOX, "user", "add", "--store", store, ALICE], check=True)
    open_directory.chmod(0o755)
    assert run("snapshot", store, str(copy))[0] == 0
    assert {path.stat().st_uid for path in [copy, *copy.rglob("*")]} == {NOBODY}
    assert {path.stat().st_mode & 0o077 for path in [copy, *copy.rglob("*")]} == {0}
    back = ("--from", str(copy), "--as", "Back")
    assert run("restore", store, *back, ALICE)[0] == 0
    assert ask("check", store)[0] == 0
    os.chown(copy, 0, 0)
    status, said = run("restore", store, *back, ALICE)
    assert status == 2
    assert f"Can not read the copy at {copy} as uid {NOBODY}: " in said
