"""The command line on a real store, beside real servers."""

import imaplib
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from benchmarks.load.lmtp import LmtpClient, stuffed
from benchmarks.servers import Server
from imapbox.app.command import main
from imapbox.disk.disk_filesystem import DiskFileSystem
from imapbox.disk.filesystem import Mode
from tests.support.inbox import inbox_of

NOBODY = 65534
IMAPBOX = Path(sys.executable).with_name("imapbox")
MESSAGE = b"Subject: by hand\n\nOne line,\r\nand another\n.\n"


def run(*arguments: str, stdin: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [IMAPBOX, *arguments], input=stdin, capture_output=True, timeout=60, check=False
    )


def ask(*arguments: str, stdin: bytes = b"") -> Result:
    """Run in this process what needs no reactor: it ends there, too."""
    return CliRunner().invoke(main, arguments, input=stdin)


@pytest.fixture(scope="module")
def made_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store in which ana has an account."""
    store = tmp_path_factory.mktemp("made") / "store"
    assert run("user", "add", "--store", str(store), "Ana").stdout == b"ana: made\n"
    return store


@pytest.fixture
def store(made_store: Path, tmp_path: Path) -> Path:
    """A store like it, to be used."""
    return shutil.copytree(made_store, tmp_path / "store")


def test_a_message_is_delivered_and_read(imapbox_server: Server) -> None:
    """A message from standard input is there at the next NOOP, lines ending in CRLF."""
    store = str(imapbox_server.store)
    with LmtpClient(imapbox_server.lmtp) as lmtp:
        lmtp.must_deliver(stuffed(b"Subject: first\r\n\r\n"), "alice")
    with imaplib.IMAP4(*imapbox_server.imap) as imap:
        imap.login("alice", imapbox_server.passwords["alice"])
        imap.select()
        sent = run(
            *("deliver", "--store", store, "-f", "bob@example.org", "alice"),
            stdin=MESSAGE,
        )
        assert (sent.returncode, sent.stderr) == (0, b"")
        imap.noop()
        assert imap.response("EXISTS")[1][-1] == b"2"
        (_, message), _ = imap.fetch("2", "(BODY[])")[1]
    header, _, body = message.partition(b"\r\n\r\n")
    assert body == b"One line,\r\nand another\r\n.\r\n"
    assert header.startswith(
        b"Return-Path: <bob@example.org>\r\nDelivered-To: alice\r\nReceived: from "
    )
    assert header.endswith(b"\r\nSubject: by hand")
    again = run("deliver", "--store", store, "alice", stdin=message)
    assert again.returncode == 69
    assert b"5.4.6" in again.stderr


def test_the_exit_status_says_what_to_do(store: Path, tmp_path: Path) -> None:
    """67 for who does not exist; 75 for our own trouble, so that nothing bounces."""
    assert run("deliver", "--store", str(store), "bob", stdin=MESSAGE).returncode == 67
    missing = tmp_path / "missing"
    lost = ask("deliver", "--store", str(missing), "ana", stdin=MESSAGE)
    assert lost.exit_code == 75
    assert not missing.exists()
    (log,) = store.glob("users/*/*/account/log.1")
    log.unlink()
    broken = run("deliver", "--store", str(store), "ana", stdin=MESSAGE)
    assert broken.returncode == 75
    assert b"Traceback" not in broken.stderr


def test_what_is_too_large_is_given_up(store: Path) -> None:
    """A message beyond the limit is 69, and one as large as that is stored."""
    deliver = ("deliver", "--store", str(store), "--message-limit", "2", "ana")
    line = b"x" * 1022 + b"\r\n"
    assert run(*deliver, stdin=line * 2 * 1024).returncode == 0
    refused = run(*deliver, stdin=line * 2 * 1024 + b"x")
    assert refused.returncode == 69
    assert b"larger than this server accepts" in refused.stderr


def test_a_delivery_that_is_interrupted_is_tried_again(store: Path) -> None:
    """SIGTERM while a delivery waits for a lock means "try again", never "stored"."""
    (ana,) = store.glob("users/*/ana")
    lock = inbox_of(ana) / "lock"
    filesystem = DiskFileSystem(str(store))
    fd = filesystem.open(str(lock.relative_to(store)), Mode.WRITE)
    assert filesystem.try_lock(fd)
    with subprocess.Popen(
        [IMAPBOX, "deliver", "--store", str(store), "ana"], stdin=subprocess.PIPE
    ) as waiting:
        waiting.stdin.write(MESSAGE)
        waiting.stdin.close()
        while "  1\n" not in ask("locks", "--store", str(store)).stdout:
            assert waiting.poll() is None
        waiting.send_signal(signal.SIGTERM)
        assert waiting.wait(timeout=10) == 75
    filesystem.unlock(fd)
    assert run("deliver", "--store", str(store), "ana", stdin=MESSAGE).returncode == 0


def test_root_leaves_nothing_of_its_own(open_directory: Path, require_root) -> None:
    """What root does to a store belongs to whoever the store belongs to."""
    require_root()
    store = open_directory / "store"
    store.mkdir()
    os.chown(store, NOBODY, NOBODY)
    assert run("user", "add", "--store", str(store), "ana").returncode == 0
    assert run("deliver", "--store", str(store), "ana", stdin=MESSAGE).returncode == 0
    owners = {path.stat().st_uid for path in [store, *store.rglob("*")]}
    assert owners == {NOBODY}


def test_a_user_who_was_added_can_log_in(store: Path, tmp_path: Path) -> None:
    """`user add --passwd` writes a line that a server lets in; twice does no harm."""
    passwd = tmp_path / "passwd"
    add = ("user", "add", "--store", str(store), "--passwd", str(passwd))
    assert run(*add, "ana", stdin=b"first\n").stdout == b"ana: was there already\n"
    assert run(*add, "ana", stdin=b"second\n").returncode == 0
    assert run(*add, "Bob@Example.org", stdin=b"third\n").returncode == 0
    lines = passwd.read_text().splitlines()
    assert [line.split("$")[0] for line in lines] == [
        "ana:{ARGON2ID}",
        "bob@example.org:{ARGON2ID}",
    ]
    assert passwd.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("arguments", "stdin"), [(["a:b"], b"pw\n"), ([""], b"pw\n"), (["ana"], b"\n")]
)
def test_what_can_not_be_a_user_is_not_made(
    tmp_path: Path, arguments: list[str], stdin: bytes
) -> None:
    """A bad name or an empty password makes neither an account nor a file."""
    done = ask(
        *("user", "add", "--store", str(tmp_path / "store")),
        *("--passwd", str(tmp_path / "passwd"), *arguments),
        stdin=stdin,
    )
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: ")
    assert list(tmp_path.iterdir()) == []


def test_room_is_given_back_beside_a_server(imapbox_server: Server) -> None:
    """What was expunged goes, who is connected goes on, and all of it is sound."""
    store = str(imapbox_server.store)
    body = b"Subject: large\r\n\r\n" + b"y" * 998 + b"\r\n"
    body += (b"z" * 998 + b"\r\n") * 800
    with LmtpClient(imapbox_server.lmtp) as lmtp:
        for _ in range(3):
            lmtp.must_deliver(stuffed(body), "alice")
    with imaplib.IMAP4(*imapbox_server.imap) as imap:
        imap.login("alice", imapbox_server.passwords["alice"])
        imap.select()
        imap.store("1:2", "+FLAGS", "\\Deleted")
        imap.expunge()
        looked = run("compact", "--store", store, "--dry-run", "alice", "INBOX")
        assert b" alive, 1.5 MiB in grace, " in looked.stdout
        kept = run("compact", "--store", store, "--verbose")
        assert kept.returncode == 0
        assert b"alice Drafts: " in kept.stdout
        assert kept.stdout.endswith(b"given back: 0 octets\n")
        done = run("compact", "--store", store, "--grace", "0", "alice")
        assert done.returncode == 0, done.stderr
        assert b"punched out" in done.stdout or b"written again" in done.stdout
        imap.noop()
        (_, message), _ = imap.fetch("1", "(BODY.PEEK[])")[1]
        assert message.endswith(b"z" * 998 + b"\r\n")
        checked = ask("check", "--store", store)
        assert checked.exit_code == 0, checked.stdout
        assert checked.stdout.startswith("sound: ")
    for arguments in (["bob"], ["alice", "nowhere"]):
        refused = run("compact", "--store", store, *arguments)
        assert refused.returncode == 1
        assert b"Traceback" not in refused.stderr


def test_a_quota_is_set_and_shown(store: Path) -> None:
    """What is set holds until it is set again; what is not named stays as it is."""
    quota = ("quota", "--store", str(store))
    run(*quota, "--storage", "1M", "--messages", "1", "ana")
    assert run("deliver", "--store", str(store), "ana", stdin=MESSAGE).returncode == 0
    assert run("deliver", "--store", str(store), "ana", stdin=MESSAGE).returncode == 75
    said = run(*quota, "--messages", "none", "ana").stdout.decode()
    assert re.fullmatch(r"storage: \d+ octets of 1.0 MiB\nmessages: 1 of none\n", said)
    said = run(*quota, "--default", "ana").stdout.decode()
    assert said.endswith("of none\nmessages: 1 of none\n")


def test_strange_files_are_in_nobodys_way(store: Path, tmp_path: Path) -> None:
    """What else lies beside users' mail is passed over by what walks a whole store."""
    shard = store / "users" / "cd"
    shard.mkdir(mode=0o700, exist_ok=True)
    (store / "users" / "foo").touch(mode=0o600)
    for name in ("%ff", os.fsdecode(b"\xff")):
        (shard / name).mkdir(mode=0o700)
    compacted = run("compact", "--store", str(store), "--verbose")
    assert (compacted.returncode, compacted.stderr) == (0, b"")
    assert b"ana INBOX: " in compacted.stdout
    for command, said in (
        (["locks"], "USER "),
        (["repair"], "sound: 1 users, 6 mailboxes\n"),
        (["restored"], "1 users: new UIDVALIDITY for 6 mailboxes\n"),
        (["snapshot", str(tmp_path / "copy")], f"{tmp_path / 'copy'}: 1 users, "),
    ):
        name, *rest = command
        done = ask(name, "--store", str(store), *rest)
        assert (done.exit_code, done.output[: len(said)]) == (0, said)
