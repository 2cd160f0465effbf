"""Test mails of other projects, fetched once: ``python -m tests.corpus.fetched``.

They lie in ``.fetched/`` of the checkout, one file for each message, and are no part
of it: their licences are their projects' own.
"""

import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
CACHE: Final = ROOT / ".fetched/corpus"


@dataclass(frozen=True)
class Source:
    """A source distribution on PyPI that carries mail.

    Attributes:
        patterns: Which of its files are messages, below its first directory.
    """

    name: str
    version: str
    patterns: tuple[str, ...]

    @property
    def directory(self) -> Path:
        """Where its messages are kept."""
        return CACHE / f"{self.name}-{self.version}"


SOURCES: Final = (
    Source("flufl-bounce", "6.0.0", ("tests/data/*.txt",)),
    Source("django-mailbox", "4.10.1", ("django_mailbox/tests/messages/*.eml",)),
    Source("mailman", "3.3.10", ("src/mailman/*/tests/*.eml",)),
    Source(
        "talon",
        "1.4.4",
        ("tests/fixtures/*.eml", "tests/fixtures/signature/emails/P/*_body"),
    ),
    Source("salmon-mail", "3.3.0", ("tests/data/*.msg", "tests/data/spam")),
    Source(
        "dkimpy",
        "1.1.8",
        tuple(f"dkim/tests/data/*.{end}" for end in ("msg", "message*", "mbox")),
    ),
)


def fetch(source: Source) -> int:
    """Fetch a source's messages, unless they are there; return how many there are.

    Raises:
        subprocess.CalledProcessError: pip could not.
    """
    if not source.directory.exists():
        sdists = CACHE / "sdists"
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--no-binary", ":all:", "--dest", str(sdists)]
        subprocess.run([*command, f"{source.name}=={source.version}"], check=True)
        (path,) = sdists.glob(
            f"{source.name.replace('-', '?')}-{source.version}.tar.gz"
        )
        _extract(path, source)
    return len(list(source.directory.iterdir()))


def _extract(path: Path, source: Source) -> None:
    unfinished = source.directory.with_suffix(".new")
    unfinished.mkdir(exist_ok=True)
    with tarfile.open(path) as tar:
        for member in tar:
            inside = member.name.partition("/")[2]
            file = tar.extractfile(member) if member.isfile() else None
            if file and any(fnmatch(inside, each) for each in source.patterns):
                (unfinished / inside.replace("/", "_")).write_bytes(file.read())
    unfinished.rename(source.directory)


def messages() -> Iterator[tuple[str, bytes]]:
    """Yield name and octets of each message that was fetched.

    Raises:
        FileNotFoundError: A source was not fetched.
    """
    for source in SOURCES:
        for path in sorted(source.directory.iterdir()):
            yield f"{source.name}/{path.name}", path.read_bytes()


if __name__ == "__main__":
    for each in SOURCES:
        print(f"{fetch(each)} messages of {each.name} {each.version}")  # noqa: T201 - a program
