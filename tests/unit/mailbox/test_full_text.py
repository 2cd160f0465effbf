"""The full-text index of a mailbox, with real tantivy."""

import errno
import shutil
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from twisted.internet.defer import CancelledError, Deferred, ensureDeferred

from imapbox.mailbox.interfaces import SelectedMailbox
from imapbox.mailbox.searching import Searching
from imapbox.mailbox.values import NewMessage
from imapbox.model.criteria import BodyHas, Criterion, FieldHas, Like, TextHas
from imapbox.model.names import INBOX, MailboxName
from imapbox.store.check import StoreCheck
from imapbox.store.clean import remove_deleted
from imapbox.store.store import Store
from tests.support.mail_store import BOB, Fail, Opener, account_of, new_message
from tests.support.waiting import reactor, until

HTML = b"""Subject: =?utf-8?q?Stra=C3=9Fenfest?=\r
From: =?utf-8?b?w4Z0aGVyw6k=?= <aether@example.org>\r
Content-Type: text/html; charset=utf-8\r
Content-Transfer-Encoding: base64\r
\r
PHN0eWxlPmgxIHt9PC9zdHlsZT48cD5jYWbDqSDmnbHkuqzjgr/jg6/jg7w8L3A+\r
"""


def message(subject: str, body: str = "nothing") -> NewMessage:
    return new_message(f"Subject: {subject}\r\n\r\n{body}\r\n".encode())


async def no_pause() -> None:
    """Go on at once."""


def index_of(store: Store) -> Path:
    """Return the directory of the only index that there is."""
    (found,) = Path(store.root).glob("users/*/bob/cache/*/fulltext-*")
    return found


async def found_by(mailbox: SelectedMailbox, criterion: Criterion) -> list[int]:
    """Return the UIDs that a search finds."""
    searching = Searching(mailbox, criterion, no_pause, now=0)
    return [uid async for each in searching.found() for uid in each.uids.tolist()]


async def known_by(mailbox: SelectedMailbox, text: str) -> tuple[list[int], int]:
    """Return what the index alone finds, and up to where it knows."""
    like = Like(TextHas(text))
    matches = (await mailbox.matches([like], no_pause))[like]
    return matches.uids.tolist(), matches.known_up_to


async def inbox_with(
    store: Store, messages: Sequence[NewMessage]
) -> tuple[SelectedMailbox, Callable[..., Awaitable[None]]]:
    account = await account_of(store)

    async def append(*more: NewMessage) -> None:
        await account.append(INBOX, more)
        await inbox.sync(may_expunge=True)

    await account.append(INBOX, messages)
    inbox = await account.select(INBOX, read_only=False)
    return inbox, append


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (TextHas("helo"), [1, 2, 3]),
        (FieldHas("Subject", "HELO"), [1, 2]),
        (BodyHas("hello"), [3]),
        (TextHas("hello worlds"), [3]),
        (TextHas("strassenfest"), [4]),
        (FieldHas("from", "Æthere"), [4]),
        (BodyHas("CAFE"), [4]),
        (BodyHas("京タ"), [4]),
        (BodyHas("タ京"), []),
        (TextHas("style"), []),
        (TextHas("---"), []),
        (FieldHas("X-Other", "hello"), []),
    ],
)
async def test_what_is_alike(
    open_store: Opener, asked: TextHas | BodyHas | FieldHas, found: list[int]
) -> None:
    """A word is found in all its forms, with a letter wrong, and by its beginning.

    "Helo" is "hello" and "help" (RFC 6203 §4); accents and case don't count, HTML
    is what a reader sees, and what is written without spaces is found anywhere.
    """
    inbox, _ = await inbox_with(
        await open_store(),
        [
            message("Hello there"),
            message("=?utf-8?q?help?= me"),
            message("x", "to the world: hello"),
            new_message(HTML),
        ],
    )
    assert await found_by(inbox, Like(asked)) == found


async def test_the_index_follows_the_mailbox(open_store: Opener) -> None:
    """What came since the last search is put there, what was expunged is dropped."""
    store = await open_store()
    inbox, append = await inbox_with(store, [message(f"apple {n}") for n in range(5)])
    assert await known_by(inbox, "apple") == ([1, 2, 3, 4, 5], 5)
    before = {path.name for path in index_of(store).iterdir()}
    assert await known_by(inbox, "aple") == ([1, 2, 3, 4, 5], 5)
    assert {path.name for path in index_of(store).iterdir()} == before
    await append(message("apple"), message("pear"))
    await inbox.remove(np.array([2], np.uint32))
    await inbox.sync(may_expunge=True)
    assert await known_by(inbox, "apple") == ([1, 3, 4, 5, 6], 7)
    # All but one: what is left of the words of the others is gone, too.
    await inbox.remove(np.array([1, 3, 4, 5, 6], np.uint32))
    await inbox.sync(may_expunge=True)
    assert await known_by(inbox, "pear") == ([7], 7)
    assert b"apple" not in b"".join(each.read_bytes() for each in files_of(store))
    await inbox.remove(np.array([7], np.uint32))
    await inbox.sync(may_expunge=True)
    assert await inbox.matches([Like(TextHas("pear"))], no_pause) == {}
    assert files_of(store) == []


async def test_who_was_told_nothing_harms_no_index(open_store: Opener) -> None:
    """A session that knows none or few of the messages leaves the index as it is."""
    store = await open_store()
    account = await account_of(store)
    empty = await account.select(INBOX, read_only=False)
    await account.append(INBOX, [message("apple 0")])
    few = await account.select(INBOX, read_only=False)
    inbox, _ = await inbox_with(store, [message(f"apple {n}") for n in range(5)])
    assert await known_by(inbox, "apple") == ([1, 2, 3, 4, 5, 6], 6)
    await inbox.remove(np.array([1], np.uint32))
    await inbox.sync(may_expunge=True)
    before = files_of(store)
    assert empty.exists == 0
    assert await empty.matches([Like(TextHas("apple"))], no_pause) == {}
    assert files_of(store) == before
    assert few.exists == 1
    await known_by(few, "apple")
    # The words of what is gone were dropped, nothing else.
    index = await store.full_text.open(str(index_of(store)))
    assert index.all(range(1, 100)).tolist() == [2, 3, 4, 5, 6]


def files_of(store: Store) -> list[Path]:
    return sorted(index_of(store).iterdir())


async def test_it_is_private(open_store: Opener) -> None:
    """Nobody else may enter the directories of the caches; `check` knows them."""
    store = await open_store()
    inbox, _ = await inbox_with(store, [message("apple")])
    await known_by(inbox, "apple")
    cache = index_of(store).parents[1]
    for directory in (cache, *cache.rglob("*/")):
        assert directory.stat().st_mode & 0o777 == 0o700
    assert list(StoreCheck(store.drivers.filesystem).run()) == []


@pytest.mark.parametrize("harm", ["broken", "cut", "gone", "another past"])
async def test_a_bad_index_is_made_anew(open_store: Opener, harm: str) -> None:
    """An index is a cache: whatever happens to its files, searches find what is so."""
    store = await open_store()
    inbox, append = await inbox_with(store, [message("apple"), message("pear")])
    assert await known_by(inbox, "apple") == ([1], 2)
    place = index_of(store)
    if harm == "broken":
        (place / "meta.json").write_bytes(b"{")
    elif harm == "cut":
        (store_file,) = place.glob("*.term")
        store_file.write_bytes(store_file.read_bytes()[:-40])
    elif harm == "gone":
        shutil.rmtree(place.parents[1])
    else:
        other = await open_store(name="other")
        theirs, _ = await inbox_with(other, [message("plum"), message("fig")])
        await known_by(theirs, "plum")
        shutil.rmtree(place)
        shutil.copytree(index_of(other), place)
    assert await known_by(inbox, "apple") == ([1], 2)
    await append(message("apple"))
    assert await known_by(inbox, "apple") == ([1, 3], 3)
    assert await known_by(inbox, "plum") == ([], 3)


async def test_of_several_processes_one_writes(open_store: Opener) -> None:
    """The others go on with what is there, and look through the rest themselves."""
    first, second = await open_store(), await open_store()
    inbox, append = await inbox_with(first, [message("apple")])
    assert await known_by(inbox, "apple") == ([1], 1)
    assert second.full_text is not None
    index = await second.full_text.open(str(index_of(second).relative_to(second.root)))
    writer = index.writer()
    assert writer is not None
    await append(message("apple"), message("pear"))
    assert await known_by(inbox, "apple") == ([1], 1)
    assert await found_by(inbox, Like(TextHas("appl"))) == [1, 2]
    writer.close()
    assert await known_by(inbox, "apple") == ([1, 2], 3)
    theirs = await (await account_of(second)).select(INBOX, read_only=True)
    assert await known_by(theirs, "apple") == ([1, 2], 3)


async def test_a_search_does_not_index_for_ever(open_store: Opener) -> None:
    """What there is no time for is looked at as it is; the next one goes on."""
    store = await open_store()
    assert store.full_text is not None
    store.full_text.seconds = 0
    inbox, _ = await inbox_with(store, [message("apple", "x" * 200_000)] * 3)
    for known in (1, 2, 3):
        assert (await known_by(inbox, "apple"))[1] == known
    assert store.full_text.writing == set()


async def test_who_goes_stops_it(open_store: Opener) -> None:
    """A search that is cancelled lets others write, and keeps what it did."""
    store = await open_store()
    inbox, _ = await inbox_with(store, [message("apple", "x" * 200_000)] * 3)
    like = Like(TextHas("apple"))

    async def pause() -> None:
        reactor.callLater(0, searching.cancel)
        await Deferred()

    searching = ensureDeferred(inbox.matches([like], pause))
    with pytest.raises(CancelledError):
        await searching
    assert store.full_text is not None
    assert store.full_text.writing == set()
    await until(lambda: not store.drivers.write.runs)
    assert await known_by(inbox, "apple") == ([1, 2, 3], 3)


async def test_without_room_for_it_searches_go_on(open_store: Opener) -> None:
    """Where no index can be made, what is looked for is found as it is."""
    store = await open_store(steer=Fail("make_directory", "/cache", errno.ENOSPC))
    inbox, _ = await inbox_with(store, [message("apple"), message("pear")])
    assert await inbox.matches([Like(TextHas("apple"))], no_pause) == {}
    assert await found_by(inbox, Like(TextHas("appl"))) == [1]


async def test_it_goes_with_its_mailbox(open_store: Opener) -> None:
    """Once a deleted mailbox is removed, so is what was cached of it."""
    store = await open_store()
    account = await account_of(store)
    name = MailboxName("old")
    await account.create(name)
    await account.append(name, [message("apple")])
    old = await account.select(name, read_only=False)
    assert await known_by(old, "apple") == ([1], 1)
    old.close()
    await account.delete(name)
    cache = index_of(store).parent
    steps = remove_deleted(BOB, old.mailbox_id, 0, store.settings)
    assert await store.drivers.write.run(steps)
    assert not cache.exists()
