"""`imapbox repair` and `imapbox check --deep`, on a real disk."""

import errno
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from imapbox.app.command import main
from imapbox.disk.disk_filesystem import DiskFileSystem
from imapbox.disk.filesystem import Mode
from imapbox.disk.spool import MemoryContent
from imapbox.disk.steps import perform, perform_patiently
from imapbox.index.commit import Log, commit
from imapbox.index.damage import mark_damaged
from imapbox.index.mailbox_state import MailboxFacts
from imapbox.index.mailbox_transactions import AppendMessages
from imapbox.index.settings import Settings
from imapbox.model.errors import DiskFull, StoreReadOnly
from imapbox.model.names import UserName
from imapbox.store.cards import card_of_octets
from imapbox.store.create import create_account
from imapbox.store.format import prepare_store
from tests.simulation.mailbox import sees
from tests.support.inbox import inbox_of
from tests.support.newer_format import of_newer_version

ANA = UserName("ana@example.org")
MAIL = b"Subject: hello\r\n\r\nHello.\r\n"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with an account and a message in its INBOX."""
    store = tmp_path / "store"
    store.mkdir(mode=0o700)
    filesystem = DiskFileSystem(str(store))
    settings = Settings(filesystem.boot, filesystem.node, filesystem.pid, 1.0)
    perform(prepare_store(), filesystem)
    perform(create_account(ANA, settings), filesystem)
    message = sees(MAIL)._replace(
        card=card_of_octets(MAIL), content=MemoryContent(MAIL)
    )
    log = Log(str(inbox(store).relative_to(store)), MailboxFacts)
    wish = AppendMessages([message])
    delivery = commit(log, settings, lambda: [wish], command="deliver")
    perform_patiently(delivery, filesystem)
    return store


def inbox(store: Path) -> Path:
    """Return the directory of INBOX."""
    (user,) = store.glob("users/*/*")
    return inbox_of(user)


def run(command: str, store: Path, *arguments: str) -> Result:
    """Run a command."""
    return CliRunner().invoke(main, [command, "--store", str(store), *arguments])


def break_log(store: Path, at: bytes, place: int = 0) -> None:
    """Flip a bit of what is found in the log."""
    path = inbox(store) / "log.1"
    octets = bytearray(path.read_bytes())
    octets[octets.index(at) + place] ^= 1
    path.write_bytes(octets)


def test_a_sound_store(store: Path) -> None:
    """Nothing is to be done; status 0."""
    done = run("repair", store)
    assert done.output == "sound: 1 users, 6 mailboxes\n"
    assert done.exit_code == 0


def test_dry_run_and_apply(store: Path) -> None:
    """What is to be done is said with status 1; --apply does it; then it is sound."""
    perform(
        mark_damaged(str(inbox(store).relative_to(store)), "a sync failed"),
        DiskFileSystem(str(store)),
    )
    said = run("repair", store, "ana@example.org", "INBOX")
    assert said.exit_code == 1
    assert said.output.startswith("todo: users/")
    assert said.output.endswith("--apply does it\n")
    assert (inbox(store) / "damaged").exists()
    done = run("repair", store, "--yes")
    assert done.exit_code == 0, done.output
    assert done.output.startswith("done: users/")
    assert not (inbox(store) / "damaged").exists()
    assert run("check", store).exit_code == 0


def test_json(store: Path) -> None:
    """--json has state, path and sentence of each."""
    break_log(store, b"IBF0", 100)
    done = run("repair", store, "--json", "--apply")
    report = json.loads(done.output)
    assert report["result"] == "sound"
    assert report["applied"] is True
    (row,) = report["mended"]
    assert row["state"] == "done"
    assert "is written anew" in row["sentence"]
    assert list(store.glob("lost+found/users/*/*/mailboxes/*/log.1.1"))
    assert run("check", store, "--deep").exit_code == 0


@pytest.mark.parametrize(
    ("code", "status"),
    [(errno.ENOSPC, 75), (errno.ESTALE, 75), (errno.EACCES, 2), (errno.EIO, 2)],
)
def test_what_was_not_done(
    store: Path, monkeypatch: pytest.MonkeyPatch, code: int, status: int
) -> None:
    """What could not be done is still to do; what the disk said of what is told."""
    break_log(store, b"IBF0", 100)
    make = DiskFileSystem.make_directory

    def fail(self: DiskFileSystem, path: str) -> Any:
        if path == "lost+found/users":
            raise OSError(code, os.strerror(code), path)
        return make(self, path)

    with monkeypatch.context() as failing:
        failing.setattr(DiskFileSystem, "make_directory", fail)
        done = run("repair", store, "--json", "--apply")
    assert done.exit_code == status
    todo, left = json.loads(done.output)["mended"]
    assert todo["state"] == "todo"
    assert "is written anew" in todo["sentence"]
    assert left["state"] == "left"
    assert os.strerror(code) in left["sentence"]
    assert "'lost+found/users'" in left["sentence"]
    done = run("repair", store, "--apply")
    assert done.output.startswith(f"done: {todo['path']}: {todo['sentence']}\n")
    assert done.exit_code == 0


def test_a_deep_check_reads_messages(store: Path) -> None:
    """An octet of a message is damage, with its UID; of a card, it is a note."""
    assert run("check", store, "--deep").exit_code == 0
    break_log(store, b"IBC0", 20)
    done = run("check", store, "--deep")
    assert done.exit_code == 0, done.output
    assert "uid 1" in done.output
    assert "its card is not what was stored" in done.output
    assert run("repair", store, "--deep").output.startswith("sound"), "check says so"
    break_log(store, MAIL)
    assert run("check", store).exit_code == 0, "it reads no messages"
    done = run("check", store, "--deep")
    assert done.exit_code == 1
    assert "uid 1" in done.output
    assert "its octets are not what was stored" in done.output
    assert run("repair", store, "--deep", "--apply").exit_code == 0
    assert run("check", store, "--deep").exit_code == 0


def test_a_busy_mailbox(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While somebody holds the lock for long, it says so, with status 75."""
    monkeypatch.setattr("imapbox.app.repair.PATIENCE", 0.05)
    (inbox(store) / "core").write_bytes(b"died")
    filesystem = DiskFileSystem(str(store))
    path = str((inbox(store) / "lock").relative_to(store))
    fd = filesystem.open(path, Mode.WRITE)
    assert filesystem.try_lock(fd)
    done = run("repair", store, "--apply")
    filesystem.close(fd)
    assert done.exit_code == 75, done.output
    assert "left: " in done.output
    assert run("repair", store, "--apply").exit_code == 0


@pytest.mark.parametrize(
    "arguments",
    [("nobody",), ("ana@example.org", "Nowhere"), ("a", "b", "c"), ("a\0b",)],
)
def test_wrong_use(store: Path, arguments: tuple[str, ...]) -> None:
    """No such user, mailbox or name: status 2, and how it is used if that helps."""
    done = run("repair", store, *arguments)
    assert done.exit_code == 2
    assert ("Usage:" in done.output) == (len(arguments) > 2)


@pytest.mark.parametrize("path", ["users", "users/*/*", "users/*/*/account"])
def test_no_such_mailbox(store: Path, path: str) -> None:
    """That is said also where something is left that is not of it."""
    (above,) = store.glob(path)
    above.chmod(0o755)
    done = run("repair", store, ANA, "Nowhere")
    assert done.output.startswith(f"left: {above.relative_to(store)}: it is open to ")
    assert done.output.endswith("\nError: There is no mailbox 'Nowhere'.\n")
    assert done.exit_code == 2


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ((ANA, "Nowhere"), "There is no mailbox 'Nowhere'."),
        (("nobody",), "There is no account of 'nobody'."),
    ],
)
def test_json_of_what_is_refused(store: Path, names: Sequence[str], said: str) -> None:
    """What was mended before is told, and then that there is no such name."""
    (store / "spool").rmdir()
    done = run("repair", store, "--json", "--apply", *names)
    report = json.loads(done.stdout)
    assert [row["path"] for row in report["mended"]] == ["spool"]
    assert report["result"] == "could not tell"
    assert done.stderr == f"Error: {said}\n"
    assert done.exit_code == 2


def test_what_was_mended_before_it_failed(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told, with what kept the rest from being mended."""
    (store / "imapbox-store").unlink()
    (store / "spool").rmdir()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "spool")

    monkeypatch.setattr(DiskFileSystem, "make_directory", full)
    done = run("repair", store, "--json", "--apply")
    report = json.loads(done.stdout)
    states = {row["path"]: row["state"] for row in report["mended"]}
    assert states == {"imapbox-store": "done", "spool": "todo"}
    assert report["result"] == "try again"
    assert done.stderr == f"Error: {DiskFull().sentence()}\n"
    assert done.exit_code == 75


def test_a_mailbox_of_an_account_that_is_damaged(store: Path) -> None:
    """Nobody can say that there is none."""
    (log,) = store.glob("users/*/*/account/log.1")
    log.write_bytes(b"")
    done = run("repair", store, ANA, "Nowhere")
    assert "Error: " not in done.output
    assert done.exit_code == 1


class Unwritable(DiskFileSystem):
    """A file system that was mounted read-only, or another's."""

    error = errno.EROFS

    def open(self, path: str, mode: Mode) -> int:
        if mode is not Mode.READ:
            raise OSError(self.error, os.strerror(self.error), path)
        return super().open(path, mode)


def test_where_nothing_can_be_written(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A read-only or full store may be mended later: 75; what one may not do: 2."""
    break_log(store, b"IBF0", 100)
    monkeypatch.setattr("imapbox.app.repair.DiskFileSystem", Unwritable)
    done = run("repair", store, "--apply")
    assert done.exit_code == 75, done.output
    assert done.output.endswith("try again: 1 users, 0 mailboxes\n")
    (store / "imapbox-store").unlink()
    done = run("repair", store, "--apply")
    assert done.exit_code == 75
    assert done.stdout.startswith("todo: imapbox-store: it is empty or not there")
    assert done.stderr == f"Error: {StoreReadOnly().sentence()}\n"
    monkeypatch.setattr(Unwritable, "error", errno.ENOSPC)
    done = run("repair", store, "--apply")
    assert done.exit_code == 75
    assert done.stderr == f"Error: {DiskFull().sentence()}\n"
    monkeypatch.setattr(Unwritable, "error", errno.EACCES)
    done = run("repair", store, "--apply")
    assert done.exit_code == 2
    assert done.stderr == f"Error: Can not look at {store}: Permission denied.\n"


def test_where_no_lock_may_be_taken(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose files one may not write is not to be told, and not to be tried again."""
    monkeypatch.setattr(Unwritable, "error", errno.EACCES)
    monkeypatch.setattr("imapbox.app.repair.DiskFileSystem", Unwritable)
    break_log(store, b"IBF0", 100)
    done = run("repair", store, "--apply")
    assert done.exit_code == 2
    assert done.output.endswith("could not tell: 1 users, 0 mailboxes\n")


@pytest.mark.parametrize("octets", [None, b"", b"garbled" * 10])
def test_a_lost_store_file(store: Path, octets: bytes | None) -> None:
    """Where users have mail it is made anew; what was there is kept."""
    path = store / "imapbox-store"
    before = path.read_bytes()
    path.unlink()
    if octets is not None:
        path.write_bytes(octets)
        path.chmod(0o600)
    assert run("check", store).exit_code == 1
    said = run("repair", store)
    assert said.exit_code == 1
    assert said.output.startswith("todo: imapbox-store: it is ")
    assert path.exists() == (octets is not None)
    assert run("repair", store, "--apply").exit_code == 0
    assert path.read_bytes()[:64] == before
    assert run("check", store).exit_code == 0
    kept = list((store / "lost+found").glob("imapbox-store.*"))
    assert [each.read_bytes() for each in kept] == ([] if octets is None else [octets])


@pytest.mark.parametrize("users", [(), ("ana@example.org",)])
def test_a_copy_that_is_not_finished(store: Path, users: tuple[str, ...]) -> None:
    """Check says so, be it one that only was not ended; repair makes no store of it."""
    (store / "unfinished").touch(mode=0o600)
    for _ in range(2):
        found = run("check", store, *users)
        assert found.output.startswith("damage: unfinished: this is a copy that is not")
        assert found.output.count("damage: ") == 1
        assert found.exit_code == 1
        done = run("repair", store, "--apply", *users)
        assert done.exit_code == 2
        assert done.output.startswith(f"Error: The copy at {store} is not finished; ")
        (store / "imapbox-store").unlink(missing_ok=True)
    assert not (store / "imapbox-store").exists()


@pytest.mark.parametrize("name", ["imapbox-store", "users", "account", "log.1", "home"])
def test_what_is_open_to_others(store: Path, name: str) -> None:
    """It is said of whatever check says it of, and left to whoever runs the store."""
    (home,) = store.glob("users/*/*")
    path = {
        "account": home / "account",
        "log.1": inbox(store) / "log.1",
        "home": home,
    }.get(name, store / name)
    path.chmod(0o755 if path.is_dir() else 0o644)
    assert run("check", store).exit_code == 1
    for options in ((), ("--apply",)):
        done = run("repair", store, *options)
        assert done.exit_code == 1
        assert f"left: {path.relative_to(store)}: it is open" in done.output
        assert done.output.count("left: ") == 1
    path.chmod(0o700 if path.is_dir() else 0o600)
    assert run("repair", store).exit_code == 0


def test_an_odd_directory(store: Path) -> None:
    """Check says it once; repair moves it away, but for what is no file in it."""
    odd = inbox(store) / "new"
    odd.mkdir(mode=0o700)
    (odd / "mail").write_bytes(MAIL)
    (odd / "link").symlink_to("mail")
    assert run("check", store).output.count("/new: ") == 1
    done = run("repair", store, "--apply")
    assert done.exit_code == 1
    assert "new/link: it is no file, and stays where it is" in done.output
    assert (odd / "mail").exists()
    (odd / "link").unlink()
    assert run("repair", store, "--apply").exit_code == 0
    assert not odd.exists()
    assert run("check", store).exit_code == 0


def put_wrong_kind(box: Path, how: str) -> Path:
    """Put something of the wrong kind into INBOX, or its account; return where."""
    path = {
        "lock": box / "lock",
        "segment": box / "log.7",
        "head": box / "head",
        "mailbox": box,
        "snapshot": box / "snap.1.64.00000000",
        "doubts": box / "doubts",
        "cut": box / "log.1.cut.64",
        "account's lock": box.parents[1] / "account" / "lock",
        "account's segment": box.parents[1] / "account" / "log.1",
        "account": box.parents[1] / "account",
    }[how]
    if path.is_dir():
        shutil.rmtree(path)
        path.touch(mode=0o600)
    else:
        path.unlink(missing_ok=True)
        path.mkdir(mode=0o700)
    return path


def mark_another(store: Path) -> Path:
    """Mark a mailbox that is not INBOX as damaged; return the mark."""
    box = inbox(store)
    other = next(each for each in box.parent.iterdir() if each != box)
    directory = str(other.relative_to(store))
    perform(mark_damaged(directory, "a sync failed"), DiskFileSystem(str(store)))
    return other / "damaged"


@pytest.mark.parametrize("how", ["lock", "segment", "head", "mailbox"])
def test_what_is_of_the_wrong_kind(store: Path, how: str) -> None:
    """It is left, and named, and keeps no other mailbox from being mended."""
    mark = mark_another(store)
    box = inbox(store)
    if how == "segment":
        for name in ("head", "log.1"):
            (box / name).unlink()
    path = put_wrong_kind(box, how)
    done = run("repair", store, "--apply")
    assert done.exit_code == 1
    assert done.output.count(f"left: {box.relative_to(store)}") == 1
    assert "try again" not in done.output
    assert not mark.exists()
    path.rmdir() if path.is_dir() else path.unlink()
    assert run("repair", store, "--apply").exit_code == 0
    assert run("check", store).exit_code == 0


@pytest.mark.parametrize("broken", [False, True])
@pytest.mark.parametrize("how", ["snapshot", "doubts", "cut"])
def test_what_a_log_can_do_without(store: Path, how: str, *, broken: bool) -> None:
    """What is in its place and of another kind is moved away, by one run."""
    if broken:
        break_log(store, b"IBF0", 100)
    path = put_wrong_kind(inbox(store), how)
    assert run("check", store).exit_code == 1
    done = run("repair", store, "--apply")
    assert f"done: {path.relative_to(store)}: it is moved to lost+found" in done.output
    assert done.exit_code == 0
    assert not path.exists()
    assert run("check", store).exit_code == 0


def test_a_mailbox_of_a_lost_account_with_something_of_the_wrong_kind(
    store: Path,
) -> None:
    """Whether it held mail nobody can tell, so it is named, and waited for."""
    box = inbox(store)
    shutil.rmtree(box.parents[1] / "account")
    (box / "log.7").mkdir(mode=0o700)
    done = run("repair", store, "--apply")
    assert f"Is a directory: '{box.relative_to(store)}/log.7'" in done.output
    assert done.exit_code == 1
    (box / "log.7").rmdir()
    done = run("repair", store, "--apply")
    assert "1 whose names are lost are below Recovered" in done.output
    assert done.exit_code == 0


@pytest.mark.parametrize("how", ["account's lock", "account's segment", "account"])
def test_an_account_with_something_of_the_wrong_kind(store: Path, how: str) -> None:
    """Without its lock nothing is mended, and it is said what is in the way."""
    mark = mark_another(store)
    path = put_wrong_kind(inbox(store), how)
    assert run("check", store).exit_code == 1
    done = run("repair", store, "--apply")
    assert done.exit_code == 1
    named = path if how != "account's segment" else path.parent
    assert str(named.relative_to(store)) in done.output
    assert "try again" not in done.output
    assert mark.exists()
    path.rmdir() if path.is_dir() else path.unlink()
    assert run("repair", store, "--apply").exit_code == 0
    assert run("check", store).exit_code == 0


def test_a_mailbox_that_may_not_be_read(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the disk keeps from being mended keeps nothing else: 2, or 1 with damage."""
    mark = mark_another(store)
    closed = str(inbox(store).relative_to(store))
    list_directory = DiskFileSystem.list_directory

    def fail(self: DiskFileSystem, path: str) -> list[str]:
        if path == closed:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return list_directory(self, path)

    monkeypatch.setattr(DiskFileSystem, "list_directory", fail)
    said = run("repair", store)
    assert said.exit_code == 1
    done = run("repair", store, "--apply")
    assert done.exit_code == 2
    why = f"left: {closed}: not gone on with: "
    assert done.output.count(why) == 1
    assert not mark.exists()


@pytest.mark.parametrize("what", ["account", "mailbox"])
def test_what_a_newer_imapbox_wrote(store: Path, what: str) -> None:
    """It is no damage, and nothing is done to it; nobody can tell if it is sound."""
    path = inbox(store) if what == "mailbox" else inbox(store).parents[1] / "account"
    of_newer_version(path / "log.1")
    octets = (path / "log.1").read_bytes()
    done = run("repair", store, "--apply", "--deep")
    assert "it was written by a newer imapbox" in done.output
    assert "could not tell: 1 users" in done.output
    assert done.exit_code == 2
    assert (path / "log.1").read_bytes() == octets


@pytest.mark.parametrize("name", ["account", "mailboxes"])
def test_a_directory_that_is_gone(store: Path, name: str) -> None:
    """Check calls it damage; repair makes it, and what should be in it."""
    path = inbox(store).parents[1] / name
    shutil.rmtree(path)
    found = run("check", store)
    assert found.exit_code == 1
    assert f"damage: {path.relative_to(store)}: it is not there\n" in found.output
    assert run("repair", store, "--apply").exit_code == 0
    assert run("check", store).exit_code == 0


def test_a_spool_that_is_gone(store: Path) -> None:
    """Check calls it damage; repair makes it."""
    (store / "spool").rmdir()
    found = run("check", store)
    assert found.output.startswith("damage: spool: it is not there\n")
    assert found.exit_code == 1
    done = run("repair", store, "--apply")
    assert done.output.startswith("done: spool: it is not there; it is made anew\n")
    assert done.exit_code == 0
    assert run("check", store).exit_code == 0


@pytest.mark.parametrize(
    ("name", "is_file", "said"),
    [
        ("users", None, "is not there, with all mail; bring it back from a backup"),
        ("users", True, "is no directory; move it away"),
        ("imapbox-store", False, "is no file; move it away, and one is made anew"),
        ("lost+found", True, "is no directory; move it away"),
    ],
)
def test_what_is_in_the_way(
    store: Path, name: str, is_file: bool | None, said: str
) -> None:
    """What only a person can put right is told before anything is done."""
    break_log(store, b"IBF0", 100)
    path = store / name
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    if is_file is not None:
        path.touch(mode=0o600) if is_file else path.mkdir(mode=0o700)
    assert run("check", store).exit_code == 1
    before = sorted(store.rglob("*"))
    for options in ((), ("--apply",)):
        done = run("repair", store, *options)
        assert done.output == f"Error: {path} {said}.\n"
        assert done.exit_code == 2
    assert sorted(store.rglob("*")) == before


@pytest.mark.parametrize("where", ["root", "users", "shard", "user", "mailboxes"])
@pytest.mark.parametrize("is_file", [True, False])
def test_what_is_not_ours_beside_the_logs(
    store: Path, where: str, *, is_file: bool
) -> None:
    """It is in nobody's way: check notes it, and repair lets it stay."""
    box = inbox(store)
    above = {
        "root": store,
        "users": store / "users",
        "shard": box.parents[2],
        "user": box.parents[1],
        "mailboxes": box.parent,
    }[where]
    stray = above / ".DS_Store"
    stray.touch(mode=0o644) if is_file else stray.mkdir(mode=0o755)
    found = run("check", store)
    assert found.exit_code == 0
    assert found.output.count("note: ") == 1
    assert run("repair", store, "--apply").output.startswith("sound")
    assert stray.exists()
