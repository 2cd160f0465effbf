"""What an installed wheel brings, and an uninstalled one leaves."""

import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SITE = Path(pytest.__file__).parents[1]


def run(*command: object, cwd: Path) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_a_wheel_brings_the_server_and_the_checker(tmp_path: Path) -> None:
    """An installed wheel has `imapbox`, `twistd imapbox` and `--auth passwd:FILE`."""
    source = tmp_path / "source"
    # From what git has, so that nothing is found that only lies here.
    source.mkdir()
    archive = tmp_path / "source.tar"
    run("git", "archive", "--output", archive, "HEAD", cwd=ROOT)
    run("tar", "xf", archive, "-C", source, cwd=ROOT)
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")
    run(
        *(*pip, "wheel", "--no-deps", "--no-build-isolation", "--no-index", "."),
        *("--wheel-dir", tmp_path),
        cwd=source,
    )
    (wheel,) = tmp_path.glob("imapbox-*.whl")
    fresh = tmp_path / "fresh"
    venv.create(fresh)
    # What imapbox needs comes from our own environment, but not imapbox: a
    # line of a .pth adds a directory, and not what its .pth files would add.
    (packages,) = fresh.glob("lib/python3*/site-packages")
    (packages / "needed.pth").write_text(f"{SITE}\n")
    python = fresh / "bin" / "python"
    run(*pip, "--python", python, "install", "--no-deps", wheel, cwd=tmp_path)

    where = run(python, "-c", "import imapbox; print(imapbox.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(fresh)
    twistd = "import sys; from twisted.scripts.twistd import run; run()"
    served = run(python, "-c", twistd, "imapbox", "--help", cwd=tmp_path)
    assert "--lmtp=" in served
    checkers = run(python, "-c", twistd, "imapbox", "--help-auth", cwd=tmp_path)
    assert "passwd" in checkers.split()
    assert "Deliver the message" in run(
        fresh / "bin" / "imapbox", "deliver", "--help", cwd=tmp_path
    )
    program = (
        "import imapbox.testing, imapbox.compat as c; print(c.IMAP4Server.__mro__)"
    )
    assert "twisted.mail.imap4.IMAP4Server" in run(python, "-c", program, cwd=tmp_path)
    program = "from imapbox import MailboxRealm, Store; print(MailboxRealm, Store)"
    assert "imapbox.auth.realm.MailboxRealm" in run(python, "-c", program, cwd=tmp_path)
    assert (packages / "imapbox" / "py.typed").exists()
    assert not (packages / "tests").exists()
    assert not (packages / "twisted" / "plugins" / "__init__.py").exists()

    run(*pip, "--python", python, "uninstall", "--yes", "imapbox", cwd=tmp_path)
    assert not (packages / "imapbox").exists()
    assert not list(packages.glob("twisted/plugins/imapbox_plugin.py"))
