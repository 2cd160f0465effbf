"""`imapbox acl`: who may do what with a mailbox, shown and set."""

from pathlib import Path

import pytest
import pytest_twisted
from click.testing import CliRunner

from imapbox.app import acl
from imapbox.app.acl import Wish, run_acl
from imapbox.app.command import main
from imapbox.app.one_mailbox import chosen_user
from imapbox.app.refused import Refused
from imapbox.model.errors import NoSuchMailbox, RightsRefused
from imapbox.model.names import SHARED_USER
from tests.support.mail_store import (
    BOB,
    Opener,
    account_of,
    open_store,  # noqa: F401 - a fixture
)


@pytest_twisted.ensureDeferred
async def test_rights_are_shown_and_set(
    open_store: Opener,  # noqa: F811 - the fixture
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The command shows who has rights to a mailbox, and changes them like SETACL."""
    store = await open_store()
    await account_of(store)

    async def shown(mailbox: str, wish: Wish | None) -> list[str]:
        asked = []
        monkeypatch.setattr(acl, "on_account", lambda *said: asked.append(said) or {})
        run_acl(Path("/"), BOB, mailbox, wish)
        (_, user, work), *_ = asked
        rights = await work(store, await store.account(user))
        monkeypatch.setattr(acl, "on_account", lambda *_: rights)
        run_acl(Path("/"), BOB, mailbox, None)
        return capsys.readouterr().out.splitlines()

    owner = "bob: lrswipkxtea"
    assert await shown("INBOX", None) == [owner]
    assert await shown("inbox", Wish("Ana", "lrs")) == [owner, "ana: lrs"]
    assert await shown("INBOX", Wish("ana", "-s")) == [owner, "ana: lr"]
    assert await shown("INBOX", Wish("ana", "")) == [owner]
    with pytest.raises(RightsRefused):
        await shown("INBOX", Wish("bob", "lr"))
    with pytest.raises(Refused, match="of #Shared only"):
        await shown("INBOX", Wish("anyone", "lr"))
    with pytest.raises(NoSuchMailbox):
        await shown("nowhere", None)


def test_what_are_no_rights_is_said(tmp_path: Path) -> None:
    """What are no rights is refused in a sentence, and no store is opened."""
    words = ["acl", "--store", str(tmp_path), "bob", "INBOX", "ana", "+lq"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2
    assert "'+lq' are no rights: lrs are some" in result.output
    result = CliRunner().invoke(main, words[:-1])
    assert result.exit_code == 2
    assert "RIGHTS" in result.output


def test_the_shared_account_can_be_named() -> None:
    """The account of what is nobody's own is chosen by its name as it stands."""
    assert chosen_user("#Shared") == SHARED_USER
    assert chosen_user("#SHARED") != SHARED_USER
