"""A Maildir as a person's mail program keeps it beside its server."""

import re
from pathlib import Path

FLAGS = {"S": "\\Seen", "F": "\\Flagged", "R": "\\Answered", "D": "\\Draft"}
_SUBJECT = re.compile(rb"^Subject: ([^\r\n]*)", re.IGNORECASE | re.MULTILINE)


def _files(maildir: Path) -> list[Path]:
    return [path for each in ("cur", "new") for path in (maildir / each).iterdir()]


def _subject(path: Path) -> str:
    found = _SUBJECT.search(path.read_bytes())
    assert found
    return found[1].decode()


def _letters(path: Path) -> str:
    return path.name.partition(":2,")[2]


def contents(maildir: Path) -> dict[str, set[str]]:
    """Return the flags of each message, by its subject, as IMAP calls them."""
    return {
        _subject(path): {FLAGS[each] for each in _letters(path) if each in FLAGS}
        for path in _files(maildir)
        if "T" not in _letters(path)
    }


def mark(maildir: Path, subject: str, letters: str) -> None:
    """Give a message flags: "S" is read, "T" is trashed."""
    (path,) = (each for each in _files(maildir) if _subject(each) == subject)
    name = f"{path.name.partition(':2,')[0]}:2,{letters}"
    path.rename(maildir / "cur" / name)


def remove(maildir: Path, subject: str) -> None:
    """Delete the file of a message, as mail programs with no trash do."""
    (path,) = (each for each in _files(maildir) if _subject(each) == subject)
    path.unlink()


def add(maildir: Path, name: str, octets: bytes, letters: str = "") -> None:
    """Put a message in, as a mail program does that keeps what it sends."""
    for each in ("cur", "new", "tmp"):
        (maildir / each).mkdir(parents=True, exist_ok=True)
    text = octets.replace(b"\r\n", b"\n")
    (maildir / "cur" / f"1700000000.{name}.here:2,{letters}").write_bytes(text)
