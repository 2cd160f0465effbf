"""Facts about the tree of mailboxes."""

import re

from imapbox.testing.client import Answer
from imapbox.testing.server import MESSAGE, OTHER, Facts


class Naming(Facts):
    """RFC 3501 §6.3.3 to §6.3.10, RFC 2342."""

    async def _names(self, command: bytes, *, made: tuple[bytes, ...]) -> set[bytes]:
        client = await self.login()
        for name in made:
            (await client.say(b"CREATE " + name)).ok()
        return _names_in((await client.say(command)).ok())

    async def test_list(self) -> None:
        """LIST tells all names that match."""
        assert {b"INBOX", b"a", b"a/b"} <= await self._names(
            b'LIST "" *', made=(b"a", b"a/b")
        )

    async def test_list_of_a_level(self) -> None:
        """% does not match the delimiter."""
        names = await self._names(b'LIST "" %', made=(b"a", b"a/b"))
        assert b"a" in names
        assert b"a/b" not in names

    async def test_list_is_anchored(self) -> None:
        """A pattern matches whole names."""
        assert await self._names(b'LIST "" IN', made=()) == set()

    async def test_list_tells_attributes(self) -> None:
        """What LIST tells of a mailbox are attributes, and not flags."""
        client = await self.login()
        answer = (await client.say(b'LIST "" INBOX')).ok()
        attributes = answer.one(rb"\* LIST \((.*?)\)")[1].split()
        assert not {b"\\Seen", b"\\Deleted"} & set(attributes)

    async def test_delimiter(self) -> None:
        """LIST of nothing tells the delimiter, and no mailbox."""
        client = await self.login()
        answer = (await client.say(b'LIST "" ""')).ok()
        answer.one(rb'\* LIST \(\\Noselect\) ("/"|NIL) ""')

    async def test_create(self) -> None:
        """A mailbox that was made can be selected, and not be made again."""
        client = await self.login()
        (await client.say(b"CREATE a")).ok()
        (await client.say(b"CREATE a")).is_(b"NO")
        (await client.say(b"SELECT a")).ok()

    async def test_create_inbox(self) -> None:
        """There is one INBOX, in any case."""
        client = await self.login()
        (await client.say(b"CREATE inbox")).is_(b"NO")

    async def test_international_names(self) -> None:
        """Names are modified UTF-7, and come back as they were given."""
        names = await self._names(b'LIST "" *', made=(b'"Gr&APwA3w-e"',))
        assert b"Gr&APwA3w-e" in names

    async def test_delete(self) -> None:
        """A mailbox that was deleted is gone; one that is not there can't be."""
        client = await self.login()
        (await client.say(b"CREATE a")).ok()
        (await client.say(b"DELETE a")).ok()
        (await client.say(b"SELECT a")).is_(b"NO")
        (await client.say(b"DELETE a")).is_(b"NO")
        (await client.say(b"DELETE INBOX")).is_(b"NO")

    async def test_rename(self) -> None:
        """A mailbox keeps its messages under another name."""
        client = await self.login()
        (await client.say(b"CREATE a")).ok()
        (await client.say(b"APPEND a () ", MESSAGE)).ok()
        (await client.say(b"RENAME a b")).ok()
        answer = (await client.say(b"SELECT b")).ok()
        assert answer.one(rb"\* (\d+) EXISTS")[1] == b"1"
        (await client.say(b"RENAME a c")).is_(b"NO")

    async def test_rename_inbox(self) -> None:
        """RENAME of INBOX moves its messages."""
        client = await self.login()
        (await client.say(b"APPEND INBOX () ", MESSAGE)).ok()
        (await client.say(b"RENAME INBOX old")).ok()
        answer = (await client.say(b"SELECT old")).ok()
        assert answer.one(rb"\* (\d+) EXISTS")[1] == b"1"
        answer = (await client.say(b"SELECT INBOX")).ok()
        assert answer.one(rb"\* (\d+) EXISTS")[1] == b"0"

    async def test_subscriptions(self) -> None:
        """LSUB tells what was subscribed, until it is unsubscribed."""
        client = await self.login()
        (await client.say(b"CREATE a")).ok()
        (await client.say(b"SUBSCRIBE a")).ok()
        assert b"a" in _names_in((await client.say(b'LSUB "" *')).ok())
        (await client.say(b"UNSUBSCRIBE a")).ok()
        assert b"a" not in _names_in((await client.say(b'LSUB "" *')).ok())

    async def test_subscription_outlives_its_mailbox(self) -> None:
        """A name stays subscribed when its mailbox is deleted: RFC 3501 §6.3.6."""
        client = await self.login()
        for command in (b"CREATE a", b"SUBSCRIBE a", b"DELETE a"):
            (await client.say(command)).ok()
        assert b"a" in _names_in((await client.say(b'LSUB "" *')).ok())

    async def test_status(self) -> None:
        """STATUS counts, and leaves what is selected alone."""
        client = await self.selected(MESSAGE, OTHER)
        (await client.say(rb"STORE 1 +FLAGS.SILENT (\Seen)")).ok()
        items = b"MESSAGES UNSEEN UIDNEXT UIDVALIDITY RECENT"
        answer = (await client.say(b"STATUS INBOX (%b)" % items)).ok()
        told = answer.one(rb"\* STATUS .*\((.*)\)")[1].split()
        counts = dict(zip(told[::2], map(int, told[1::2]), strict=True))
        assert counts.keys() == set(items.split())
        assert (counts[b"MESSAGES"], counts[b"UNSEEN"]) == (2, 1)

    async def test_status_of_a_name_with_spaces(self) -> None:
        """STATUS tells a name so that it can be read."""
        client = await self.login()
        (await client.say(b'CREATE "two words"')).ok()
        answer = (await client.say(b'STATUS "two words" (MESSAGES)')).ok()
        answer.one(rb'\* STATUS "two words" \(MESSAGES 0\)')

    async def test_status_of_nonsense(self) -> None:
        """An item that nobody knows is BAD."""
        client = await self.login()
        (await client.say(b"STATUS INBOX (NONSENSE)")).is_(b"BAD")

    async def test_status_of_nothing(self) -> None:
        """STATUS of a mailbox that is not there is NO."""
        client = await self.login()
        (await client.say(b"STATUS nothing (MESSAGES)")).is_(b"NO")

    async def test_namespace(self) -> None:
        """NAMESPACE tells the personal one, if it is offered."""
        client = await self.login()
        answer = (await client.say(b"CAPABILITY")).ok()
        if b" NAMESPACE" in answer.one(rb"\* CAPABILITY.*")[0]:
            answer = (await client.say(b"NAMESPACE")).ok()
            answer.one(rb'\* NAMESPACE \(\("" "/"\)\) ')


def _names_in(answer: Answer) -> set[bytes]:
    """Return the names that a LIST or an LSUB told."""
    rows = answer.about(rb"\* (?:LIST|LSUB) \(.*?\) (?:\"/\"|NIL) (.*)")
    return {re.sub(rb'\A"(.*)"\Z', rb"\1", row[1]) for row in rows}
