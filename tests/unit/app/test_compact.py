"""What `imapbox compact` ends with."""

import errno
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import pytest_twisted
from click.testing import CliRunner

from imapbox.app.command import main
from imapbox.app.compact import run_compact
from imapbox.model.errors import StoreReadOnly
from imapbox.store.store import Store
from tests.support.mail_store import BOB, Fail, Opener, account_of, disk_of


@pytest_twisted.ensureDeferred
async def test_a_read_only_store_can_be_tried_again(
    open_store: Opener,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Where nobody may write mailboxes are left as they are, and the status is 75."""
    store = await open_store()
    await account_of(store)
    asked: list[Callable[[Store], Awaitable[int]]] = []

    def note(_: Path, work: Callable[[Store], Awaitable[int]]) -> int:
        asked.append(work)
        return 0

    monkeypatch.setattr("imapbox.app.compact.on_store", note)
    run_compact(Path(store.root), BOB, "INBOX", grace=24, dry_run=False, verbose=False)
    disk_of(store).steer = Fail("open", "mailboxes", errno.EROFS)
    assert await asked[0](store) == 75
    said = f"{BOB} INBOX: left as it is: {StoreReadOnly().sentence()}\n"
    assert capsys.readouterr().out.startswith(said)


def test_one_that_can_not_be_opened_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So it is where even the account can't be settled."""

    def refused(*_: object) -> int:
        raise StoreReadOnly

    monkeypatch.setattr("imapbox.app.compact.on_store", refused)
    done = CliRunner().invoke(main, ["compact", "--store", str(tmp_path), "ana"])
    assert done.exit_code == 75
    assert done.output == f"Error: {StoreReadOnly().sentence()}\n"
