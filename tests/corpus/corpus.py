"""All the mail that imapbox and other servers are shown side by side."""

import re
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from tests.corpus import fetched
from tests.corpus.hostile import hostile_message
from tests.corpus.rfc_examples import NUMBERS, rfc_examples
from tests.corpus.written import written

HOSTILE: Final = 300
# The interpreter's own, or Debian's libpython3.11-testsuite.
_CPYTHON: Final = (
    Path(sysconfig.get_path("stdlib")) / "test/test_email/data",
    Path("/usr/lib/python3.11/test/test_email/data"),
)


class NoCorpus(Exception):
    """A part of the corpus is not on this machine."""


@dataclass(frozen=True)
class Mail:
    """A message, and where it is from: "rfc2046/7", "hostile/12".

    Its lines end with CRLF, as they do for whoever APPENDs it.
    """

    name: str
    octets: bytes

    @cached_property
    def header(self) -> bytes:
        """Its octets before the first empty line."""
        return re.split(rb"\n\r?\n", self.octets, maxsplit=1)[0]

    @cached_property
    def has_empty_line(self) -> bool:
        """Whether its header ends before it does."""
        return len(self.header) + 1 < len(self.octets)

    @cached_property
    def has_bare_breaks(self) -> bool:
        """Whether a CR or a LF is without the other."""
        return re.search(rb"(?<!\r)\n|\r(?!\n)", self.octets) is not None

    @cached_property
    def source(self) -> str:
        return self.name.partition("/")[0]


def corpus(seed: int = 0, hostile: int = HOSTILE) -> Sequence[Mail]:
    """Return all of it.

    Raises:
        NoCorpus: Part of it is missing; says which.
    """
    mails = [*_cpython(), *_rfcs(), *_fetched()]
    mails += [Mail(f"written/{name}", octets) for name, octets in written()]
    made = (
        Mail(f"hostile/{each}", hostile_message(seed, each)) for each in range(hostile)
    )
    return [*mails, *made]


def _with_crlf(octets: bytes) -> bytes:
    return octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _cpython() -> Iterator[Mail]:
    for directory in _CPYTHON:
        if directory.exists():
            for path in sorted(directory.glob("*.txt")):
                yield Mail(f"cpython/{path.stem}", _with_crlf(path.read_bytes()))
            return
    msg = f"no {_CPYTHON[-1]}: install libpython3.11-testsuite"
    raise NoCorpus(msg)


def _rfcs() -> Iterator[Mail]:
    for number in NUMBERS:
        for position, octets in enumerate(rfc_examples(number), start=1):
            yield Mail(f"rfc{number}/{position}", octets)


def _fetched() -> Iterator[Mail]:
    try:
        for name, octets in fetched.messages():
            yield Mail(name, _with_crlf(octets))
    except FileNotFoundError as error:
        raise NoCorpus("run `python -m tests.corpus.fetched`") from error
