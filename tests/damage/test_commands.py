"""What an administrator's commands do where a store is not as it should be."""

import json
import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

import pytest

from imapbox.disk.disk_filesystem import DiskFileSystem
from imapbox.disk.steps import perform, perform_patiently
from imapbox.index.mailbox_state import MailboxState
from imapbox.index.opening import open_log
from imapbox.index.settings import Settings
from imapbox.index.snapshot_writer import write_snapshot
from imapbox.model.errors import MailError
from imapbox.model.names import UserName
from imapbox.store.layout import (
    SPOOL,
    STORE_FILE,
    UNFINISHED,
    USERS,
    account_directory,
    mailboxes_directory,
    user_directory,
    user_shard,
)
from tests.support.newer_format import of_newer_version, with_newer_feature
from tests.support.stored_mail import stored_mail

ANA: Final = UserName("ana")
BOB: Final = UserName("bob")
OWNER: Final = 65534
PATIENCE: Final = 45.0  # seconds; a lock is waited for for 30
MESSAGES: Final = [b"Subject: %d\r\n\r\n%b\r\n" % (n, b"x" * 900) for n in range(3)]
# Of docs/operations.md; 75 is left out where nothing is in the way for a time only.
STATUSES: Final[dict[str, set[int]]] = {
    "deliver": {0, 67, 75},  # sysexits.h: no such user; keep it, and try again
    "user": {0, 2},
}
OTHERS: Final = {0, 1, 2}
# One in so many is tried.
SHARE: Final = 12

COMMANDS: Final[dict[str, list[str]]] = {
    "check": [],
    "check deep": ["--deep"],
    "check user": ["ana"],
    "locks": [],
    "repair": [],
    "repair apply": ["--apply", "--deep"],
    "repair user": ["ana"],
    "repair mailbox": ["--apply", "ana", "INBOX"],
    "log": ["ana"],
    "log json": ["--json", "ana"],
    "undo": ["--to", "1", "ana"],
    "compact": ["--grace", "0"],
    "compact user": ["--verbose", "ana"],
    "quota": ["ana"],
    "quota set": ["--messages", "5", "ana"],
    "acl": ["ana"],
    "snapshot": ["{out}"],
    "restore as": ["--from", "{copy}", "--as", "Back", "ana"],
    "restore in place": ["--from", "{copy}", "--in-place", "ana"],
    "restored": [],
    "user add": ["carl"],
    "deliver": ["ana"],
}
# Whoever opens an account settles it; these don't.
LOOKS_ONLY: Final = {
    *("check", "check deep", "check user", "locks", "repair", "repair user"),
}


class Done(NamedTuple):
    """How a command ended.

    Attributes:
        status: None: it did not.
        said: On either channel.
    """

    status: int | None
    said: str


class Imapbox:
    """Runs commands, and knows a store, of which it makes others."""

    def __init__(self, process: "subprocess.Popen[str]", directory: Path) -> None:
        self._process = process
        self._mail = directory / "mail"
        self.store, self.copy = directory / "sound", directory / "copy"
        self.harmed, self.out = directory / "store", directory / "out"
        self.store.mkdir()
        if os.geteuid() == 0:
            os.chown(self.store, OWNER, OWNER)
        for user in (ANA, BOB):
            assert self.run("user add", user, store=self.store).status == 0
            for message in MESSAGES:
                self._mail.write_bytes(message)
                assert self.run("deliver", user, store=self.store).status == 0
        assert self.run("snapshot", str(self.copy), store=self.store).status == 0
        self.snapshot = self._fold(self.inbox(ANA))

    def run(self, command: str, *arguments: str, store: Path) -> Done:
        """Run one; of what it is called more words than its own tell it apart."""
        verb = ["user", "add"] if command == "user add" else command.split()[:1]
        wish = {
            "argv": [*verb, "--store", str(store), *arguments],
            "stdin": str(self._mail if command == "deliver" else os.devnull),
            "patience": PATIENCE,
        }
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(wish) + "\n")
        self._process.stdin.flush()
        return Done(**json.loads(self._process.stdout.readline()))

    @contextmanager
    def harmed_store(self, place: str, way: Callable[[Path], None]) -> Iterator[Path]:
        """Make one like it, and harm a place in it."""
        subprocess.run(["cp", "-a", self.store, self.harmed], check=True)
        try:
            way(self.harmed / place)
            yield self.harmed
        finally:
            shutil.rmtree(self.harmed)
            shutil.rmtree(self.out, ignore_errors=True)

    def inbox(self, user: UserName) -> str:
        """Return where it is."""
        for path in sorted((self.store / mailboxes_directory(user)).iterdir()):
            if (path / "log.1").stat().st_size > 1000:
                return str(path.relative_to(self.store))
        raise AssertionError(user)

    def _fold(self, directory: str) -> str:
        """Make a snapshot of a mailbox's index, and return where it is."""
        files = DiskFileSystem(str(self.store))
        settings = Settings(files.boot, files.node, files.pid)
        log = perform_patiently(open_log(directory, settings, MailboxState), files)
        work = write_snapshot(directory, log.state.freeze())
        path = f"{directory}/{perform(work, files)}"
        if os.geteuid() == 0:
            os.chown(self.store / path, OWNER, OWNER)
        return path


@pytest.fixture(scope="module")
def imapbox() -> Iterator[Imapbox]:
    """A store of two users, and commands."""
    with (
        TemporaryDirectory() as name,
        subprocess.Popen(
            [sys.executable, "-m", "tests.damage.forks"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        directory = Path(name)
        directory.chmod(0o755)
        yield Imapbox(process, directory)
        process.communicate()  # it ends where there is no more to read


def gone(path: Path) -> None:
    """Remove it, and what is in it."""
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def emptied(path: Path) -> None:
    """Leave nothing in it."""
    if path.is_dir():
        for each in path.iterdir():
            gone(each)
    else:
        path.write_bytes(b"")


def cut(path: Path) -> None:
    """Leave half of it."""
    if path.is_dir():
        for each in sorted(path.iterdir())[::2]:
            gone(each)
    else:
        os.truncate(path, path.stat().st_size // 2)


def noise(path: Path) -> None:
    """Flip half of its bits; put what is nobody's into a directory."""
    if path.is_dir():
        (path / ".DS_Store").write_bytes(b"noise")
        for name in (b"%ff", b"\xff", b"log.0", b"head.new"):
            os.mkdir(os.path.join(os.fsencode(path), name))  # noqa: PTH102, PTH118 - no text
    else:
        path.write_bytes(bytes(octet ^ 0x5A for octet in path.read_bytes()))


def other_kind(path: Path) -> None:
    """Put a directory in a file's place, and a file in a directory's."""
    was_file = path.is_file()
    gone(path)
    path.mkdir() if was_file else path.write_bytes(b"a file")


def pipe(path: Path) -> None:
    """Put a pipe in its place."""
    gone(path)
    os.mkfifo(path)


def link(path: Path) -> None:
    """Put a link to it in its place."""
    away = path.with_name("elsewhere")
    path.rename(away)
    path.symlink_to(away.name)


def closed(path: Path) -> None:
    """Let the owner of the store not read it."""
    path.chmod(0)
    if os.geteuid() == 0:
        os.chown(path, 0, 0)


NEWER: Final = (of_newer_version, with_newer_feature)
WAYS: Final = (gone, emptied, cut, noise, other_kind, pipe, link, closed, *NEWER)


ABOVE: Final = (USERS, user_shard(ANA), user_directory(ANA))


def places(imapbox: Imapbox) -> list[str]:
    """Return what can be harmed: all that is Ana's, and what is above it."""
    harmed = [account_directory(ANA), imapbox.inbox(ANA)]
    return [
        *(STORE_FILE, SPOOL, *ABOVE, mailboxes_directory(ANA), *harmed),
        *(f"{log}/{name}" for log in harmed for name in ("head", "lock", "log.1")),
        imapbox.snapshot,
    ]


def has_format(place: str) -> bool:
    """Say whether it names the format that it is of."""
    name = PurePath(place).name
    return name in {STORE_FILE, "log.1"} or name.startswith("snap.")


def can_be(way: Callable[[Path], None], place: str) -> bool:
    """Say whether a place can be harmed so."""
    if way is closed:
        return os.geteuid() == 0  # who made it can open it
    return way not in NEWER or has_format(place)


def tree(store: Path) -> dict[str, Any]:
    """Return what there is."""
    found: dict[str, Any] = {}
    for path in sorted(store.rglob("*")):
        about = path.lstat()
        content = path.read_bytes() if path.is_file() else None
        found[str(path)] = (about.st_mode, about.st_size, content)
    return found


def changed(before: dict[str, Any], after: dict[str, Any]) -> str:
    """Say what was changed."""
    names = before.keys() | after.keys()
    return f"changed: {[name for name in names if before.get(name) != after.get(name)]}"


def mail_of(store: Path, user: UserName, imapbox: Imapbox) -> list[bytes]:
    """Return the messages of an INBOX, without what a delivery puts before them."""
    found = stored_mail(store, store / imapbox.inbox(user))
    return [body[body.index(b"Subject:") :] for body in found.values()]


def try_one(imapbox: Imapbox, command: str, store: Path) -> Done:
    """Run a command on a harmed store, and see that it ends as it should."""
    before = tree(store) if command in LOOKS_ONLY else None
    words = [
        word.format(copy=imapbox.copy, out=imapbox.out) for word in COMMANDS[command]
    ]
    done = imapbox.run(command, *words, store=store)
    assert done.status is not None, "it does not end"
    verb, *_ = command.split()
    assert done.status in STATUSES.get(verb, OTHERS), done
    assert done.status == 0 or done.said.strip(), "it does not say why"
    assert "Traceback" not in done.said, done.said.splitlines()[-1]
    if before is not None and tree(store) != before:
        raise AssertionError(changed(before, tree(store)))
    return done


@pytest.mark.parametrize("command", COMMANDS)
def test_a_copy_that_is_not_finished_is_no_store(
    imapbox: Imapbox, command: str
) -> None:
    """Each command says so, and leaves it as it is."""
    with imapbox.harmed_store(UNFINISHED, Path.touch) as store:
        before = tree(store)
        done = try_one(imapbox, command, store)
        assert "not finished" in done.said
        assert done.status != 0
        assert tree(store) == before


def test_what_a_crash_left_half_made_is_finished(imapbox: Imapbox) -> None:
    """A store file that is empty is of a store that was being made."""
    with imapbox.harmed_store(USERS, gone) as store:
        (store / STORE_FILE).write_bytes(b"")
        assert imapbox.run("user add", "carl", store=store) == (0, "carl: made\n")
        assert imapbox.run("check", store=store).status == 0


@pytest.mark.parametrize("way", NEWER)
def test_a_store_that_a_newer_imapbox_made_is_left_alone(
    imapbox: Imapbox, way: Callable[[Path], None]
) -> None:
    """Each command that uses mail says so, and mail that comes is kept elsewhere."""
    for command in COMMANDS.keys() - {"locks"}:
        with imapbox.harmed_store(STORE_FILE, way) as store:
            before = tree(store)
            done = try_one(imapbox, command, store)
            assert done.status == (75 if command == "deliver" else 2), command
            assert "it was written by a newer imapbox" in done.said
            assert tree(store) == before, command


@pytest.mark.parametrize("way", NEWER)
@pytest.mark.parametrize("what", ["account", "mailbox"])
def test_what_a_newer_imapbox_wrote_is_in_nobodys_way(
    imapbox: Imapbox, what: str, way: Callable[[Path], None]
) -> None:
    """Each command says it where it had to read it, and goes on with all others."""
    log = account_directory(ANA) if what == "account" else imapbox.inbox(ANA)
    segment = f"{log}/log.1"
    for command in COMMANDS:
        with imapbox.harmed_store(segment, way) as store:
            before = (store / segment).read_bytes()
            done = try_one(imapbox, command, store)
            if done.status != 0:
                assert "it was written by a newer imapbox" in done.said, command
                assert (store / segment).read_bytes() == before, command
            if command == "snapshot":
                check_copy(imapbox, done, all_is_known=True)
            if command == "restored":
                given = 6 if what == "account" else 11
                assert f"new UIDVALIDITY for {given} mailboxes" in done.said


def check_copy(imapbox: Imapbox, done: Done, *, all_is_known: bool) -> None:
    """See that no mail is missing to a copy, unless that was said."""
    if all_is_known:
        assert mail_of(imapbox.out, BOB, imapbox) == MESSAGES
    if all_is_known and done.status == 0:
        assert logs(imapbox.store) <= logs(imapbox.out), "mail is missing"


def logs(store: Path) -> set[Path]:
    """Return where all segments are."""
    return {path.relative_to(store) for path in store.rglob("log.1")}


def test_each_command_ends_with_a_sentence(
    imapbox: Imapbox, effort: int, seed: int, tell: Callable[[object], None]
) -> None:
    """Whatever is harmed: without a traceback, and with a status that is documented.

    And whatever of Ana's it is, Bob's mail is there still, and is in a copy.
    """
    cases = [
        (place, way, command)
        for place in places(imapbox)
        for way in WAYS
        if can_be(way, place)
        for command in COMMANDS
    ]
    if effort < SHARE:
        cases = random.Random(seed).sample(cases, len(cases) * effort // SHARE)
    ends: Counter[int | None] = Counter()
    wrong = []
    for place, way, command in cases:
        with imapbox.harmed_store(place, way) as store:
            try:
                done = try_one(imapbox, command, store)
                ends[done.status] += 1
                if place.startswith(user_directory(ANA)):
                    assert mail_of(store, BOB, imapbox) == MESSAGES
                if command == "snapshot" and done.status in {0, 1}:
                    # Of whom nothing is left nobody knows.
                    unknown = place in ABOVE and way in {gone, emptied, cut}
                    check_copy(imapbox, done, all_is_known=not unknown)
                if command == "repair" and done.status == 0:
                    assert imapbox.run("check", store=store).status != 1
            except (AssertionError, OSError, MailError) as error:
                wrong.append(
                    f"{place} {way.__name__}, {command}: {str(error).splitlines()[0]}"
                )
    tell(f"{len(cases)} commands; ended with {dict(ends)}")
    assert not wrong, "\n".join(wrong)
