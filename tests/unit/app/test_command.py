"""The command line."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from imapbox.app.command import main
from imapbox.app.one_mailbox import refusal
from imapbox.model.errors import NoSuchMailbox, StoreReadOnly
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


def test_what_may_go_well_the_next_time() -> None:
    """A store that is read-only for now is a reason to try again: status 75."""
    assert refusal(StoreReadOnly()).exit_code == 75
    assert refusal(NoSuchMailbox("x")).exit_code == 1
