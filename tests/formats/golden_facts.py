"""A store with facts of accounts (ACCOUNT_META), as imapbox wrote it at first.

``python -m tests.formats.golden_facts`` makes a new one; the one that is kept is
never made again. What clients said is here, and what is true since.
"""

import tempfile
from pathlib import Path
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.task import react

from imapbox.model.names import UserName
from imapbox.model.quota import Quota
from imapbox.store.quotas import quota_facts
from imapbox.store.store import Store
from tests.formats.golden_store import GOLDEN, STORE, pack
from tests.support.mail_store import deliver
from tests.support.stage import SharingLogins, Stage

ARCHIVE: Final = GOLDEN / "facts-1.zip"
USERS: Final = {"1": b"bob", "2": b"ana", "3": b"root"}
QUOTA: Final = Quota(1 << 20, 1000)
SAID: Final = r"""
    A1: CREATE Work
    A1: SETACL Work ana lrw
    A1: SETMETADATA Work (/private/comment "mine" /shared/comment "ours")
    A1: SETMETADATA "" (/private/vendor/x "all")
    A1: GENURLAUTH "imap://bob@x/Work/;UID=1;URLAUTH=user+ana" INTERNAL
        ...
        OK
    A3: CREATE Shared/Plans
    A3: SETACL Shared/Plans anyone lr
    """


async def _make(reactor: Any, root: str) -> None:
    store = Store(root, reactor, make=True)
    await store.start()

    async def the_store() -> Store:
        return store

    stage = Stage(the_store)
    stage.logins, stage.users = SharingLogins, USERS
    await stage.play(SAID)
    await deliver(store, "bob")
    await (await store.account(UserName("bob"))).set_meta(quota_facts(QUOTA))
    await stage.end()
    await store.stop()


async def _main(reactor: Any, directory: str) -> None:
    await _make(reactor, str(Path(directory, STORE)))
    pack(ARCHIVE, directory)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        Path(made, STORE).mkdir(mode=0o700)
        react(lambda reactor: Deferred.fromCoroutine(_main(reactor, made)))
