"""The command line."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from imapbox.app.command import main
from imapbox.app.one_mailbox import refusal
from imapbox.model.errors import MailError, NoSuchMailbox, NoSuchUser, StoreReadOnly
from imapbox.store.layout import STORE_FILE

COMMANDS = {
    ("demo",),
    ("deliver",),
    ("locks",),
    ("user", "add"),
}


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_explains_itself(command: tuple[str, ...]) -> None:
    """Each command has a help that says what it is for."""
    done = CliRunner().invoke(main, [*command, "--help"])
    assert done.exit_code == 0
    assert f"Usage: main {' '.join(command)}" in done.output
    assert len(done.output.splitlines()) > 4


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["deliver"], 75),
        (["deliver", "--store", "/no/such"], 75),
        (["deliver", "--no-such-option"], 75),
        (["locks"], 2),
        (["user", "add", "ana"], 2),
        (["nope"], 2),
    ],
)
def test_wrong_use_bounces_no_mail(arguments: list[str], status: int) -> None:
    """Wrong use is told in a sentence; for deliver it means "try again"."""
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == status
    assert "Error: " in done.output
    assert "Traceback" not in done.output


def test_help_loads_no_server() -> None:
    """To print its help the command loads neither a reactor nor a mail store."""
    program = (
        "import json, sys\n"
        "from imapbox.app.command import main\n"
        "main(['--help'], standalone_mode=False)\n"
        "print(json.dumps(sorted(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    assert "click" in loaded
    heavy = {"twisted", "zope", "numpy", "argon2", "bcrypt", "OpenSSL"}
    assert not loaded & heavy
    assert not {name for name in loaded if name.startswith("imapbox.store")}


def test_the_shared_account_is_no_users(tmp_path: Path) -> None:
    """Nobody can be made who is called as what is nobody's own."""
    words = ["user", "add", "--store", str(tmp_path / "store"), "#Shared"]
    result = CliRunner().invoke(main, words)
    assert (result.exit_code, "can not have this name" in result.output) == (1, True)
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("place", ["none/copy", "file"])
def test_a_snapshot_that_can_not_be_there(tmp_path: Path, place: str) -> None:
    """Where no copy can be made nothing was copied: wrong use, status 2."""
    store = tmp_path / "store"
    store.mkdir()
    (store / STORE_FILE).touch()
    (tmp_path / "file").touch()
    words = ["snapshot", "--store", str(store), str(tmp_path / place)]
    result = CliRunner().invoke(main, words)
    assert (result.exit_code, "Can not copy to" in result.output) == (2, True)


@pytest.mark.parametrize("hours", ["nan", "-nan", "inf", "-1", "25", "x"])
def test_a_grace_that_is_none(tmp_path: Path, hours: str) -> None:
    """What is no number of hours within a day is wrong use: status 2."""
    (tmp_path / STORE_FILE).touch()
    words = ["compact", "--store", str(tmp_path), f"--grace={hours}"]
    done = CliRunner().invoke(main, words)
    assert (done.exit_code, "Invalid value for '--grace'" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    "words",
    [
        ["acl", "ana"],
        ["compact", "ana"],
        ["compact", "ana", "INBOX"],
        ["log", "ana"],
        ["quota", "ana"],
        ["undo", "--to", "1", "ana"],
    ],
)
@pytest.mark.parametrize("error", [NoSuchUser, NoSuchMailbox])
def test_who_does_not_exist(
    monkeypatch: pytest.MonkeyPatch, words: list[str], error: type[MailError]
) -> None:
    """No such user or mailbox is status 1 with all that are asked for one."""

    def refused(*_: object) -> None:
        raise error

    for module in ("compact", "one_mailbox"):
        monkeypatch.setattr(f"imapbox.app.{module}.on_store", refused)
    done = CliRunner().invoke(main, [*words, "--store", "/store"])
    assert (done.exit_code, done.stderr) == (1, f"Error: {error().sentence()}\n")


def test_a_user_of_a_read_only_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody can be added now, and perhaps later: status 75."""

    def refused(*_: object, **__: object) -> None:
        raise StoreReadOnly

    monkeypatch.setattr("imapbox.app.user_add.on_store", refused)
    done = CliRunner().invoke(main, ["user", "add", "--store", str(tmp_path), "ana"])
    assert done.exit_code == 75
    assert done.stderr == f"Error: {StoreReadOnly().sentence()}\n"


def test_a_store_is_not_made_of_a_file(tmp_path: Path) -> None:
    """What is there is said, and no password is asked for: status 2."""
    file, passwd = tmp_path / "file", tmp_path / "passwd"
    file.touch()
    words = ["user", "add", "--store", str(file), "--passwd", str(passwd), "ana"]
    done = CliRunner().invoke(main, words, input="pw\n")
    said = f"Error: There is something else at {file}, and no mail store.\n"
    assert (done.exit_code, done.stderr) == (2, said)
    assert not passwd.exists()


def test_what_may_go_well_the_next_time() -> None:
    """A store that is read-only for now is a reason to try again: status 75."""
    assert refusal(StoreReadOnly()).exit_code == 75
    assert refusal(NoSuchMailbox("x")).exit_code == 1
