"""Facts about SEARCH. RFC 3501 §6.4.4."""

from imapbox.testing.server import MESSAGE, OTHER, Facts


class Searching(Facts):
    """What SEARCH finds, of MESSAGE and OTHER."""

    async def _finds(self, key: bytes, *numbers: int) -> None:
        client = await self.selected(MESSAGE, OTHER)
        (await client.say(rb"STORE 1 FLAGS.SILENT (\Seen $Work)")).ok()
        answer = (await client.say(b"SEARCH %b" % key)).ok()
        found = sorted(map(int, answer.one(rb"\* SEARCH ?(.*)\Z")[1].split()))
        if found != list(numbers):
            raise AssertionError(f"SEARCH {key!r} found {found}")

    async def test_all(self) -> None:
        """ALL finds all."""
        await self._finds(b"ALL", 1, 2)

    async def test_flags(self) -> None:
        """UNSEEN finds what nobody has seen."""
        await self._finds(b"UNSEEN", 2)

    async def test_keyword(self) -> None:
        """KEYWORD finds a keyword, in any case, and UNKEYWORD the others."""
        await self._finds(b"KEYWORD $work", 1)

    async def test_unkeyword(self) -> None:
        """UNKEYWORD finds what has it not."""
        await self._finds(b"UNKEYWORD $Work", 2)

    async def test_numbers(self) -> None:
        """A set of numbers finds these."""
        await self._finds(b"2:*", 2)

    async def test_subject(self) -> None:
        """SUBJECT finds part of the subject, in any case."""
        await self._finds(b'SUBJECT "FIRST mess"', 1)

    async def test_from(self) -> None:
        """FROM finds part of an address."""
        await self._finds(b"FROM bob@", 2)

    async def test_header(self) -> None:
        """HEADER finds a field that is there, whatever is in it."""
        await self._finds(b'HEADER Received ""', 1)

    async def test_body(self) -> None:
        """BODY finds words of the text."""
        await self._finds(b"BODY cheese", 2)

    async def test_text(self) -> None:
        """TEXT also finds words of the header."""
        await self._finds(b"TEXT another", 2)

    async def test_dates(self) -> None:
        """SENTON finds the day of the Date field."""
        await self._finds(b"SENTON 23-Nov-2026", 1)

    async def test_arrival(self) -> None:
        """SINCE finds what arrived since."""
        await self._finds(b"SINCE 1-Jan-2001", 1, 2)

    async def test_combinations(self) -> None:
        """OR, NOT and parentheses combine."""
        await self._finds(b"OR (SEEN SUBJECT nothing) NOT LARGER 200", 2)

    async def test_nothing(self) -> None:
        """What finds nothing says so, untagged."""
        await self._finds(b"SUBJECT nothing")

    async def test_literal(self) -> None:
        """A key's text may be a literal."""
        client = await self.selected(MESSAGE, OTHER)
        answer = (await client.say(b"SEARCH SUBJECT ", b"another")).ok()
        assert answer.one(rb"\* SEARCH (.*)")[1] == b"2"

    async def test_uid_search(self) -> None:
        """UID SEARCH tells UIDs."""
        client = await self.selected(MESSAGE, OTHER)
        (await client.say(rb"STORE 1 +FLAGS.SILENT (\Deleted)")).ok()
        (await client.say(b"EXPUNGE")).ok()
        fetched = (await client.say(b"FETCH 1 UID")).ok()
        uid = fetched.one(rb"\* 1 FETCH \(UID (\d+)\)")[1]
        answer = (await client.say(b"UID SEARCH SUBJECT another")).ok()
        assert answer.one(rb"\* SEARCH (.*)")[1] == uid

    async def test_unknown_charset(self) -> None:
        """A charset that nobody knows is NO, with BADCHARSET."""
        client = await self.selected(MESSAGE)
        answer = await client.say(b"SEARCH CHARSET X-NONSENSE SUBJECT a")
        assert answer.is_(b"NO").text.startswith(b"[BADCHARSET")

    async def test_unknown_key(self) -> None:
        """A key that nobody knows is BAD."""
        client = await self.selected(MESSAGE)
        (await client.say(b"SEARCH NONSENSE")).is_(b"BAD")
