"""The command line."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from imapbox.app.command import main

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
