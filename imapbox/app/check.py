"""`imapbox check`: is every octet of the index what it should be?

Only looks, also at a store on which servers are at work.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import click

from imapbox.app.one_mailbox import chosen_user
from imapbox.app.presence import find_store, unreadable
from imapbox.disk.disk_filesystem import DiskFileSystem
from imapbox.index.checked_log import Finding, Severity
from imapbox.model.names import UserName
from imapbox.store.check import StoreCheck

SOUND: Final = 0
DAMAGED: Final = 1
CAN_NOT_TELL: Final = 2

_COUNTED: Final = ("users", "mailboxes", "segments", "frames", "messages")
_RESULTS: Final = {SOUND: "sound", DAMAGED: "damaged", CAN_NOT_TELL: "could not tell"}


def run_check(
    store: Path, names: Sequence[str], *, deep: bool = False, as_json: bool
) -> int:
    """Check a store and print what was found; return the status to end with.

    Raises:
        Refused: There is no store, or it can't be looked at, or no user can have
            such a name.
    """
    find_store(store, perhaps_damaged=True)
    users = [chosen_user(name) for name in names]
    try:
        check = StoreCheck(DiskFileSystem(str(store)), deep=deep)
    except OSError as error:
        raise unreadable(store, error) from error
    report = _JsonReport(store) if as_json else _Report()
    for finding in _guarded(check, users):
        report.add(finding)
    status = report.status
    report.end(check, status)
    return status


def _guarded(check: StoreCheck, users: Sequence[UserName]) -> Iterator[Finding]:
    """Return findings, and at the end what kept us from finding more."""
    try:
        yield from check.run(users)
    except OSError as error:
        sentence = f"it can not be read: {error.strerror}"
        yield Finding(Severity.UNKNOWN, error.filename or "", sentence)


class _Report:
    """Prints a line for each finding, as it is met."""

    def __init__(self) -> None:
        self._seen: Counter[Severity] = Counter()

    @property
    def status(self) -> int:
        """Return what the command ends with."""
        if self._seen[Severity.DAMAGE]:
            return DAMAGED
        return CAN_NOT_TELL if self._seen[Severity.UNKNOWN] else SOUND

    def add(self, finding: Finding) -> None:
        """Take in a finding."""
        self._seen[finding.severity] += 1
        path, sentence = _printable(finding.path), _printable(finding.sentence)
        click.echo(f"{finding.severity.value}: {path}: {sentence}")

    def end(self, check: StoreCheck, status: int) -> None:
        """Print what it comes to."""
        looked_at = ", ".join(f"{getattr(check, name)} {name}" for name in _COUNTED)
        click.echo(f"{_RESULTS[status]}: {looked_at}")


class _JsonReport(_Report):
    """Prints one JSON object, a line for each finding in it."""

    def __init__(self, store: Path) -> None:
        super().__init__()
        self._before = ""
        click.echo(f'{{"store": {json.dumps(str(store))}, "findings": [', nl=False)

    def add(self, finding: Finding) -> None:
        """See `_Report`."""
        self._seen[finding.severity] += 1
        severity, path, sentence = finding
        row = {"severity": severity.value, "path": path, "sentence": sentence}
        click.echo(f"{self._before}\n{json.dumps(row)}", nl=False)
        self._before = ","

    def end(self, check: StoreCheck, status: int) -> None:
        """See `_Report`."""
        checked = json.dumps({name: getattr(check, name) for name in _COUNTED})
        result = json.dumps(_RESULTS[status])
        click.echo(f'\n], "checked": {checked}, "result": {result}}}')


def _printable(text: str) -> str:
    """Return ``text`` so that it can not do anything to a terminal."""
    return "".join(char if char.isprintable() else "?" for char in text)
