"""`imapbox check --fs`: a file system is tried by two processes."""

import errno
import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from twisted.python import _inotify

from imapbox.app import check_fs
from imapbox.app.command import main
from tests.unit.disk.test_proof import SyncsNoFiles


def check(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["check", *map(str, arguments)])


def test_a_good_one_is_fit(on_disk: Path) -> None:
    """One line says so, the status is 0, and nothing is left in the directory."""
    done = check("--fs", on_disk)
    assert (done.output, done.exit_code) == (f"fit: {on_disk}\n", 0)
    assert list(on_disk.iterdir()) == []


def test_a_bad_one_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong is a line, or an entry of the JSON object, and the status is 1."""
    monkeypatch.setattr(check_fs, "DiskFileSystem", SyncsNoFiles)
    done = check("--fs", tmp_path)
    assert done.exit_code == 1
    sentence = "files can not be synced (Invalid argument)"
    assert done.output == f"flaw: {sentence}\nnot fit: {tmp_path}\n"
    done = check("--fs", tmp_path, "--json")
    assert done.exit_code == 1
    assert json.loads(done.output) == {
        "directory": str(tmp_path),
        "flaws": [sentence],
        "notes": [],
        "result": "not fit",
    }
    assert list(tmp_path.iterdir()) == []


def test_where_no_kernel_tells_of_writes(
    on_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no inotify queue or watch is to be had, it is fit, and polled: a note."""

    def none_left(*_: object) -> int:
        raise _inotify.INotifyError

    note = "note: writes are noticed by polling only: IDLE is told within 5 s\n"
    for call in ("add", "init"):
        monkeypatch.setattr(_inotify, call, none_left)
        done = check("--fs", on_disk)
        assert (done.output, done.exit_code) == (f"{note}fit: {on_disk}\n", 0)


def test_a_directory_that_can_not_be_looked_at(tmp_path: Path) -> None:
    """What the kernel says of it is the note, and the status is 2."""
    path = tmp_path / ("x" * 300)
    done = check("--fs", path)
    said = "note: it can not be tried: File name too long\ncould not tell: "
    assert (done.output, done.exit_code) == (f"{said}{path}\n", 2)


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--fs", "/no/such"),
        ("--fs", "/etc/passwd"),
        ("--fs", "/tmp", "--store", "/tmp"),  # noqa: S108 - nothing is done there
        ("--fs", "/tmp", "ana"),  # noqa: S108 - nothing is done there
    ],
)
def test_wrong_use_is_a_sentence(arguments: tuple[str, ...]) -> None:
    """What can't be meant ends with 2 before anything is tried."""
    done = check(*arguments)
    assert done.exit_code == 2
    assert "Usage:" in done.output


def test_what_can_not_be_tried_is_no_flaw(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing can be written, nobody can tell: status 2, and a note why."""

    def refuse(*_: object) -> bool:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(check_fs, "_try", refuse)
    done = check("--fs", tmp_path)
    assert done.exit_code == 2
    said = "note: it can not be tried: Read-only file system\ncould not tell: "
    assert done.output == f"{said}{tmp_path}\n"
    assert json.loads(check("--fs", tmp_path, "--json").output)["flaws"] == []
