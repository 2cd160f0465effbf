"""Changing a passwd-file."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from imapbox.auth.passwd_edit import set_hash
from imapbox.auth.passwd_lines import parse_users
from imapbox.model.names import UserName


def test_a_new_file_is_for_its_owner_only(tmp_path: Path) -> None:
    """A passwd-file made here is readable by nobody else, whatever the umask."""
    path = tmp_path / "passwd"
    set_hash(path, UserName("ana"), "{PLAIN}x")
    assert path.read_text() == "ana:{PLAIN}x\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["passwd"]


def test_an_existing_file_keeps_its_mode(tmp_path: Path) -> None:
    """A file that another server reads too stays readable to it."""
    path = tmp_path / "passwd"
    path.write_text("bob:{PLAIN}y\n")
    path.chmod(0o640)
    set_hash(path, UserName("ana"), "{PLAIN}x")
    assert path.read_text() == "bob:{PLAIN}y\nana:{PLAIN}x\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_an_existing_file_keeps_its_owner(tmp_path: Path) -> None:
    """What root changes still belongs to the server that reads it."""
    path = tmp_path / "passwd"
    path.write_text("")
    os.chown(path, 65534, 65533)
    set_hash(path, UserName("ana"), "{PLAIN}x")
    assert (path.stat().st_uid, path.stat().st_gid) == (65534, 65533)


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """Where the path is a symbolic link, the file it leads to is changed."""
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("")
    link.symlink_to(real)
    set_hash(link, UserName("ana"), "{PLAIN}x")
    assert link.is_symlink()
    assert real.read_text() == "ana:{PLAIN}x\n"


def test_a_name_that_can_not_stand_in_a_line_changes_nothing(tmp_path: Path) -> None:
    """A name with a colon is refused before any file is made."""
    with pytest.raises(ValueError, match="a:b"):
        set_hash(tmp_path / "passwd", UserName("a:b"), "{PLAIN}x")
    assert list(tmp_path.iterdir()) == []


def test_what_a_crash_left_is_in_nobodys_way(tmp_path: Path) -> None:
    """A new file left half written by a crash is neither used nor followed."""
    target = tmp_path / "target"
    (tmp_path / ".passwd.new").symlink_to(target)
    set_hash(tmp_path / "passwd", UserName("ana"), "{PLAIN}x")
    assert not target.exists()
    assert not (tmp_path / ".passwd.new").is_symlink()


def test_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    """Of several processes that add users at once, each one's users are there."""
    path = tmp_path / "passwd"
    program = (
        "import sys; from pathlib import Path\n"
        "from imapbox.auth.passwd_edit import set_hash\n"
        "for n in range(25):\n"
        "    set_hash(Path(sys.argv[1]), f'{sys.argv[2]}{n}', '{PLAIN}x')\n"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", program, str(path), name])
        for name in "abc"
    ]
    assert [each.wait(30) for each in running] == [0, 0, 0]
    users = parse_users(path.read_bytes())
    assert set(users.hashes) == {f"{name}{n}" for name in "abc" for n in range(25)}
    assert users.complaints == ()
