"""What `imapbox log`, `undo` and `restore` print."""

import errno
import json
import os
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from imapbox.app import log, restore, undo
from imapbox.app.command import main
from imapbox.app.one_mailbox import (
    chosen_mailbox,
    chosen_user,
    moment,
    passes,
    reason,
    refusal,
    refusal_at,
    say,
    set_of,
)
from imapbox.disk import beneath, disk_filesystem
from imapbox.disk.disk_filesystem import DiskFileSystem
from imapbox.disk.failures import in_words
from imapbox.disk.steps import Steps, perform
from imapbox.index.history import Happened, History, What
from imapbox.index.settings import Settings
from imapbox.index.undo import BroughtBack, Lost
from imapbox.model.errors import (
    DiskFull,
    MailboxBusy,
    MailboxDamaged,
    StoreReadOnly,
)
from imapbox.model.names import INBOX, UserName
from imapbox.store.create import create_account
from imapbox.store.format import prepare_store
from imapbox.store.layout import account_directory, user_directory
from imapbox.store.restore import Restored
from imapbox.store.restored import Renewed
from tests.support.inbox import inbox_of
from tests.support.newer_format import of_newer_version

ANA = UserName("ana")
TIME = 1_700_000_000_000_000
UIDS = (range(1, 4), range(7, 8))


@pytest.mark.parametrize(
    ("what", "more", "said"),
    [
        (What.DELIVERED, {"octets": 12}, "delivered 1:3,7 (12 octets)"),
        (What.EXPUNGED, {}, "expunged 1:3,7"),
        (What.KEYWORD, {"keyword": "$Work"}, "new keyword $Work"),
        (
            What.FLAGS,
            {"add": ["\\Seen"], "remove": ["\\Flagged", "a"]},
            "flags of 1:3,7: +\\Seen -\\Flagged -a",
        ),
        (What.FLAGS, {"set": []}, "flags of 1:3,7: set to ()"),
        (
            What.BROUGHT_BACK,
            {"from": (range(9, 10),)},
            "brought back 9 as 1:3,7",
        ),
        (What.SELECTED, {"recent": 9}, "selected; recent up to 9"),
        (What.RESTORED, {"uidvalidity": 9}, "new UIDVALIDITY 9"),
        (What.NEW_SEGMENT, {"segment": 2}, "new segment log.2"),
        (What.BEGINS, {"segment": 2}, "the log begins with log.2"),
        (What.WRITTEN_AGAIN, {}, "written again 1:3,7"),
        (
            What.PUNCHED,
            {"died_until": TIME, "before": 2},
            f"punched out what died up to {moment(TIME)}",
        ),
        (What.FACT, {"name": "x", "value": "00"}, "fact x"),
        (What.CREATED, {"segment": 1}, "created 1:3,7"),
    ],
)
def test_each_thing_has_its_words(
    what: What, more: dict[str, object], said: str
) -> None:
    """A line says in a few words what happened, to which UIDs."""
    happened = Happened(5, TIME, what, UIDS, more)
    assert log.described(happened) == said


def found(*happened: Happened, damaged: bool = False) -> log.MailboxLog:
    """Return what was read of a log."""
    history = History()
    history.happened += happened
    history.begins = happened[0].modseq if happened else 1
    return log.MailboxLog(UserName("ana"), INBOX, history, damaged)


def test_a_log_is_a_table() -> None:
    """Modseq, time, and what happened; what can't be told is said."""
    expunged = Happened(12, TIME, What.EXPUNGED, UIDS)
    assert log.lines(found(expunged)) == [f"      12  {moment(TIME)}  expunged 1:3,7"]
    assert log.lines(found(), 7) == ["Nothing happened since modseq 7."]
    assert "damaged" in log.lines(found(expunged, damaged=True))[-1]
    begun = Happened(9, TIME, What.BEGINS, (), {"segment": 3})
    assert "compaction removed it, or repair wrote" in log.lines(found(begun), 3)[0]
    assert "not in the log any more" not in log.lines(found(begun), 9)[0]


def test_json_has_it_all() -> None:
    """One object; UIDs are as IMAP writes them, times in UTC."""
    back = Happened(12, TIME, What.BROUGHT_BACK, UIDS, {"from": (range(8, 12),)})
    read = json.loads(log.in_json(found(back)))
    assert read["user"] == "ana"
    assert read["changes"] == [
        {
            "modseq": 12,
            "time": "2023-11-14T22:13:20+00:00",
            "what": "brought_back",
            "uids": "1:3,7",
            "from": "8:11",
        }
    ]
    assert json.loads(log.in_json(found()))["changes"] == []


def test_an_undo_says_who_came_back() -> None:
    """And who did not, and since when he is gone."""
    done = BroughtBack([1, 2], [8, 9], [Lost(5, TIME), Lost(4, TIME)], 1)
    assert undo.lines(done, 3, dry_run=False) == [
        "2 messages came back: UID 1:2 as 8:9",
        "can not be brought back, what they were is gone: UID 4:5, expunged "
        + moment(TIME),
    ]
    done = BroughtBack([1, 2], [], [], 10)
    assert undo.lines(done, 3, dry_run=True) == [
        "What was expunged up to modseq 10 is not known any more.",
        "2 messages would come back: UID 1:2",
    ]
    assert undo.lines(BroughtBack(begins=1), 3, dry_run=True) == [
        "Nothing was expunged since modseq 3 that is not back."
    ]


def test_only_what_can_be_forgotten_is_said_to_be() -> None:
    """Nothing is, of a log that begins with its creation or right where undo ends."""
    begun_anew = "What was expunged up to modseq 9 is not known any more."
    said = ["1 messages came back: UID 1 as 2"]
    for begins, to, forgotten in ((1, 0, []), (9, 9, []), (9, 8, [begun_anew])):
        done = BroughtBack([1], [2], [], begins)
        assert undo.lines(done, to, dry_run=False) == forgotten + said


def test_a_restore_says_what_became_of_the_mailbox() -> None:
    """Its UIDVALIDITY is said, and where it was in place, what that means."""
    first, *rest = restore.lines(Restored(7, 3, 0, [], [], None), INBOX, INBOX)
    assert first == (
        "INBOX is a new mailbox with 3 messages of INBOX as it was in the copy;"
        " UIDVALIDITY 7"
    )
    assert rest == []
    lines = restore.lines(Restored(7, 3, 2, [9], [4, 5], b"\1"), INBOX, INBOX)
    assert lines[1:] == [
        "2 messages that did not come from the copy were kept",
        "clients will fetch the mailbox anew",
        "what it was before is deleted, and stays for a day: 01",
        "not what was stored in the copy, and left out: UID 9",
        "not what was stored here, and left out: UID 4:5",
    ]


def test_names_are_checked(capsys: pytest.CaptureFixture[str]) -> None:
    """What can be no name is wrong use; nothing odd reaches the terminal."""
    assert (chosen_user("Ana"), chosen_mailbox("inbox")) == ("ana", "INBOX")
    for choose, text in ((chosen_user, ""), (chosen_mailbox, "a//b")):
        with pytest.raises(Exception) as error:
            choose(text)
        assert error.value.exit_code == 2
    say("a\x1b[31mb")
    assert capsys.readouterr().out == "a?[31mb\n"
    assert set_of(()) == ""


def test_what_may_be_tried_again_says_so() -> None:
    """A lock that is held and a full disk are 75, all else is 1."""
    codes = [refusal(each).exit_code for each in (MailboxBusy(), DiskFull())]
    assert codes == [75, 75]
    assert refusal(MailboxDamaged()).exit_code == 1


@pytest.mark.parametrize(
    ("code", "said", "again"),
    [
        (errno.EACCES, f"a/log.1: Permission denied (uid {os.geteuid()}).", False),
        (errno.EPERM, f"a/log.1: Operation not permitted (uid {os.geteuid()}).", False),
        (errno.EIO, "a/log.1: Input/output error.", False),
        (errno.EROFS, StoreReadOnly().sentence(), True),
        (errno.ENOSPC, DiskFull().sentence(), True),
        (errno.ESTALE, "The file system of the mail store is gone for now.", True),
    ],
)
def test_who_runs_a_command_is_told_the_file(code: int, said: str, again: bool) -> None:
    """What concerns one file names it; what concerns all of the store has our words."""
    error = OSError(code, os.strerror(code), "a/log.1")
    for each in (error, in_words(error)):
        assert (reason(each), passes(each)) == (said, again)
        status = 2 if isinstance(error, PermissionError) else 1
        refused = refusal_at(Path("/s"), each)
        assert refused.exit_code == (75 if again else status)
        assert refused.message.endswith(said.replace(f" (uid {os.geteuid()})", ""))


def test_restored_can_be_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the disk is full before anything was done, too."""
    perform(prepare_store(), DiskFileSystem(str(tmp_path)))

    def full() -> Steps[bytes]:
        yield from ()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr("imapbox.app.restored.begin_run", full)
        done = CliRunner().invoke(main, ["restored", "--store", str(tmp_path)])
    assert done.exit_code == 75
    assert DiskFull().sentence() in done.output


def test_restored_can_be_tried_again_where_a_store_turned_read_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whom that left out is named, and the status is 75."""
    filesystem = DiskFileSystem(str(tmp_path))
    perform(prepare_store(), filesystem)
    settings = Settings(filesystem.boot, filesystem.node, filesystem.pid)
    perform(create_account(UserName("ana"), settings), filesystem)

    def turned(*_: object) -> Steps[Renewed]:
        yield from ()
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr("imapbox.app.restored.renew_mailboxes", turned)
    done = CliRunner().invoke(main, ["restored", "--store", str(tmp_path)])
    assert done.exit_code == 75
    assert f"ana: left as it is: {StoreReadOnly().sentence()}" in done.output


@pytest.mark.parametrize(
    ("closed", "path", "said"),
    [
        ("copy", "imapbox-store", "read the copy"),
        ("copy", f"{account_directory(ANA)}/head", "read the copy"),
        ("copy", account_directory(ANA), "read the copy"),
        ("store", f"{account_directory(ANA)}/lock", "use the mail store"),
    ],
)
def test_what_may_not_be_opened_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, closed: str, path: str, said: str
) -> None:
    """It is said whether the copy is closed or the store; to try again is no help."""
    store, copy = store_and_copy(tmp_path)
    refuse(monkeypatch, tmp_path / closed, path, errno.EACCES)
    done = restore_from(copy, store, "--as", "Back")
    where = f"{said} at {tmp_path / closed} as uid {os.geteuid()}: {path}"
    assert done.output == f"Error: Can not {where}: Permission denied.\n"
    assert done.exit_code == 2


def test_which_of_the_two_is_damaged(tmp_path: Path) -> None:
    """The copy, and what of it, is told from the store, which may be sound."""
    store, copy = store_and_copy(tmp_path)
    home = Path(account_directory(ANA)).parent
    then = f"take another copy, or run imapbox repair --store {copy}."
    for directory, what in (
        (inbox_of(copy / home), "mailbox INBOX"),
        (copy / home / "account", "account"),
    ):
        octets = bytearray((directory / "log.1").read_bytes())
        for at in (100, 120):
            octets[at] ^= 1
        (directory / "log.1").write_bytes(octets)
        done = restore_from(copy, store, "--as", "Back")
        said = f"The {what} of {ANA} is damaged in the copy at {copy}: {then}"
        assert done.output == f"Error: {said}\n"
        assert done.exit_code == 1


def test_an_account_that_can_not_be_changed(tmp_path: Path) -> None:
    """It is said whose, and that it is not the copy's."""
    store, copy = store_and_copy(tmp_path)
    (store / account_directory(ANA) / "damaged").touch()
    done = restore_from(copy, store, "--as", "Back")
    said = f"Mail of {ANA} at {store} is damaged; run imapbox repair first."
    assert done.output == f"Error: {said}\n"
    assert done.exit_code == 1


@pytest.mark.parametrize(
    ("broken", "said"), [("copy", "read the copy"), ("store", "use the mail store")]
)
def test_a_disk_that_fails_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str, said: str
) -> None:
    """It is said whose file it was, and what the system said of it."""
    store, copy = store_and_copy(tmp_path)
    head = f"{account_directory(ANA)}/head"
    refuse(monkeypatch, tmp_path / broken, head, errno.EIO)
    done = restore_from(copy, store, "--as", "Back")
    where = f"{said} at {tmp_path / broken}: {head}"
    assert done.output == f"Error: Can not {where}: Input/output error.\n"
    assert done.exit_code == 1


@pytest.mark.parametrize(("gone", "what"), [("copy", "copy"), ("store", "mail store")])
def test_a_file_system_that_is_gone_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gone: str, what: str
) -> None:
    """It is said of which of the two; it may be tried again when that is back."""
    store, copy = store_and_copy(tmp_path)
    head = f"{account_directory(ANA)}/head"
    refuse(monkeypatch, tmp_path / gone, head, errno.ESTALE)
    done = restore_from(copy, store, "--as", "Back")
    where = f"the {what} at {tmp_path / gone}"
    assert done.output == f"Error: The file system of {where} is gone for now.\n"
    assert done.exit_code == 75


@pytest.mark.parametrize("garbled", ["store", "copy"])
def test_what_is_no_store_is_named(tmp_path: Path, garbled: str) -> None:
    """It is said whether it is the copy or the store whose store file is no such."""
    store, copy = store_and_copy(tmp_path)
    (tmp_path / garbled / "imapbox-store").write_bytes(b"garbled" * 10)
    done = restore_from(copy, store, "--in-place")
    assert done.output == f"Error: There is no mail store at {tmp_path / garbled}.\n"
    assert done.exit_code == 2


@pytest.mark.parametrize("foreign", ["store", "copy"])
def test_what_is_of_an_unknown_format_is_named(tmp_path: Path, foreign: str) -> None:
    """It is said whether it is the copy or the store that a newer imapbox wrote."""
    store, copy = store_and_copy(tmp_path)
    of_newer_version(tmp_path / foreign / "imapbox-store")
    done = restore_from(copy, store, "--in-place")
    assert done.output.startswith(f"Error: At {tmp_path / foreign}: The mail store is")
    assert done.output.endswith("it was written by a newer imapbox.\n")
    assert done.exit_code == 2


@pytest.mark.parametrize("what", ["mailbox INBOX", "account"])
def test_mail_of_an_unknown_format_is_named(tmp_path: Path, what: str) -> None:
    """So it is where only an account is of that format, or a mailbox, of either."""
    for foreign, where in (
        ("copy", f"The {what} of {ANA} in the copy"),
        ("store", f"Mail of {ANA}"),
    ):
        parent = tmp_path / foreign
        parent.mkdir()
        store, copy = store_and_copy(parent)
        home = parent / foreign / user_directory(ANA)
        log = home / "account" if what == "account" else inbox_of(home)
        of_newer_version(log / "log.1")
        done = restore_from(copy, store, "--in-place")
        said = f"Error: {where} at {parent / foreign}: The mail store is of a format"
        assert done.output.startswith(said)
        assert done.exit_code == 1


def refuse(monkeypatch: pytest.MonkeyPatch, where: Path, path: str, error: int) -> None:
    """Let a file of a store, or of a copy, not be opened."""

    def open_beneath(root: int, name: str, flags: int) -> int:
        below = Path(f"/proc/self/fd/{root}").readlink()
        if (below, name) == (where, path):
            raise OSError(error, os.strerror(error), name)
        return beneath.open_beneath(root, name, flags)

    monkeypatch.setattr(disk_filesystem, "open_beneath", open_beneath)


def restore_from(copy: Path, store: Path, *how: str) -> Result:
    """Run the command for Ana's INBOX."""
    words = ["--store", str(store), "--from", str(copy), *how, ANA]
    return CliRunner().invoke(main, ["restore", *words])


def store_and_copy(parent: Path) -> tuple[Path, Path]:
    """Make a store with an account, and a copy of it."""
    store, copy = parent / "store", parent / "copy"
    store.mkdir()
    disk = DiskFileSystem(str(store))
    perform(prepare_store(), disk)
    perform(create_account(ANA, Settings(disk.boot, disk.node, disk.pid), {}), disk)
    shutil.copytree(store, copy)
    return store, copy
