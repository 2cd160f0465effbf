"""What twistd finds, and what it has to load to find it."""

import json
import subprocess
import sys
from pathlib import Path

PLUGIN = Path(__file__).parents[2] / "twisted" / "plugins" / "imapbox_plugin.py"
PROGRAM = """
import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("imapbox_plugin", sys.argv[1])
spec.loader.exec_module(importlib.util.module_from_spec(spec))
print(json.dumps(sorted(sys.modules)))
"""


def test_the_plugin_loads_nothing_heavy() -> None:
    """A twistd that lists its plugins loads no part of imapbox, and no reactor."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(PLUGIN)],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(json.loads(done.stdout))
    assert not {name for name in loaded if name.split(".")[0] == "imapbox"}
    assert not loaded & {
        "numpy",
        "OpenSSL",
        "argon2",
        "bcrypt",
        "twisted.internet.reactor",
    }


def test_the_plugin_is_small() -> None:
    """What every twistd executes is fifty lines at most."""
    assert len(PLUGIN.read_text().splitlines()) <= 50


def test_twistd_finds_the_server_and_the_checker() -> None:
    """The editable install registers `twistd imapbox` and `--auth passwd:FILE`."""
    program = (
        "from twisted.plugin import getPlugins\n"
        "from twisted.application.service import IServiceMaker\n"
        "from twisted.cred.strcred import ICheckerFactory\n"
        "print([p.tapname for p in getPlugins(IServiceMaker)].count('imapbox'))\n"
        "print([p.authType for p in getPlugins(ICheckerFactory)].count('passwd'))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd="/",
    )
    assert done.stdout.split() == ["1", "1"]
