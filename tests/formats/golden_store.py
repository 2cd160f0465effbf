"""A whole store, as imapbox wrote it when its format was fixed, and what is in it.

``python -m tests.formats.golden_store`` makes a new one, of the format that is
written today. Those of formats that were released are never made again.
"""

import hashlib
import json
import random
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.task import react

from imapbox.model.format import FORMAT_VERSION
from imapbox.model.names import MailboxName, UserName
from imapbox.store.store import Store
from tests.damage.specimen import Maker, Rows, Specimen

GOLDEN: Final = Path(__file__).parent / "golden"
USERS: Final = ("ana@example.org", "Ünal x", ".bob")
# One whose segments are long, and two whose segments soon give way to others.
LIMITS: Final = (64 * 1024 * 1024, 4096, 32 * 1024)
STEPS: Final = 40
FACTS: Final = "facts.json"
STORE: Final = "store"


def golden_store(version: int) -> Path:
    """Return where the store of a format version is kept."""
    return GOLDEN / f"store-{version}.zip"


def described(rows: Rows) -> dict[str, Any]:
    """Return what is true of messages, as JSON has it."""
    return {
        str(uid): {
            "blake2b": hashlib.blake2b(row.octets or b"", digest_size=16).hexdigest(),
            "marks": sorted(row.marks),
            "date": list(row.date),
        }
        for uid, row in rows.items()
    }


def take_out(version: int, directory: Path) -> dict[str, Any]:
    """Put a golden store below a directory, and return what is in it, by user."""
    unpack(golden_store(version), directory)
    facts: dict[str, Any] = json.loads((directory / FACTS).read_text())
    return facts


def unpack(path: Path, directory: Path) -> None:
    """Put a store that was packed below a directory."""
    with zipfile.ZipFile(path) as archive:
        archive.extractall(directory)
    for each in (directory / STORE).rglob("*"):
        each.chmod(0o700 if each.is_dir() else 0o600)
    for name in ("spool", "users"):
        (directory / STORE / name).mkdir(mode=0o700, exist_ok=True)


def pack(path: Path, directory: str, facts: dict[str, Any] | None = None) -> None:
    """Make a file of the store below a directory, and of what is in it."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        if facts is not None:
            text = json.dumps(facts, indent=1, ensure_ascii=False)
            archive.writestr(FACTS, text)
        for each in sorted(Path(directory, STORE).rglob("*")):
            if each.is_file():
                archive.write(each, each.relative_to(directory))


def _facts(specimen: Specimen) -> dict[str, Any]:
    now = specimen.now
    return {
        "names": sorted(now.names),
        "subscribed": sorted(now.subscribed),
        "boxes": {
            name: {
                "uidvalidity": specimen.uidvalidity[MailboxName(name)],
                "given": specimen.given[MailboxName(name)],
                "messages": described(rows),
            }
            for name, rows in now.boxes.items()
        },
    }


async def _make(reactor: Any, root: str) -> dict[str, Any]:
    store = Store(root, reactor, make=True)
    await store.start()
    facts = {}
    for user, limit in zip(USERS, LIMITS, strict=True):
        store.settings = replace(store.settings, segment_limit=limit)
        chance = random.Random(f"{FORMAT_VERSION} {user}")
        facts[user] = _facts(await Maker(store, UserName(user), chance).make(STEPS))
    await store.stop()
    return facts


async def _main(reactor: Any, directory: str) -> None:
    facts = await _make(reactor, str(Path(directory, STORE)))
    pack(golden_store(FORMAT_VERSION), directory, facts)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        Path(made, STORE).mkdir(mode=0o700)
        react(lambda reactor: Deferred.fromCoroutine(_main(reactor, made)))
