"""Facts about clients that make mistakes, or mean ill."""

from imapbox.testing.server import MESSAGE, Facts


class Hostile(Facts):
    """One tagged answer each, and nothing is done that was not asked for."""

    async def test_unknown_command(self) -> None:
        """A command that nobody knows is BAD."""
        client = await self.login()
        (await client.say(b"NONSENSE")).is_(b"BAD")

    async def test_eight_bit_command(self) -> None:
        """So is one that is no ASCII; it gets its tagged answer."""
        client = await self.login()
        (await client.say(b"N\xd6\xd6P")).is_(b"BAD")

    async def test_nul(self) -> None:
        """A NUL is nowhere allowed: RFC 3501 §9, CHAR."""
        client = await self.login()
        (await client.say(b'CREATE "a\0b"')).is_(b"BAD", b"NO")

    async def test_arguments_missing(self) -> None:
        """A command without its arguments is BAD."""
        client = await self.selected(MESSAGE)
        for command in (b"SELECT", b"FETCH", b"FETCH 1", b"STORE 1", b"SEARCH"):
            (await client.say(command)).is_(b"BAD")

    async def test_arguments_too_many(self) -> None:
        """So is one with too many."""
        client = await self.login()
        (await client.say(b"NOOP now")).is_(b"BAD")

    async def test_long_sets(self) -> None:
        """A set of a thousand numbers is understood."""
        client = await self.selected(MESSAGE)
        numbers = b",".join(b"%d" % n for n in range(1, 2000, 2))
        (await client.say(b"UID FETCH %b FLAGS" % numbers)).ok()

    async def test_endless_line(self) -> None:
        """A line without an end is told so, before the connection is closed."""
        client = await self.login()
        client.write(b"a NOOP " + b"x" * 200_000)
        assert await client.response() != b""

    async def test_literal_that_does_not_wait(self) -> None:
        """What is in a literal is never taken for a command."""
        client = await self.login()
        inside = b"evil CREATE evil\r\n"
        client.write(b"a NONSENSE {%d+}\r\n%b\r\n" % (len(inside), inside))
        client.write(b"b LIST {%d+}\r\n%b\r\n" % (len(inside), inside))
        heard = []
        client.write(b"c NOOP\r\n")
        while line := await client.response():
            heard.append(line)
            if line.startswith(b"c "):
                break
        answer = await (await self.login()).say(b'LIST "" evil')
        assert not answer.ok().lines, heard

    async def test_literal_sizes(self) -> None:
        """A literal's size is digits, and not more of them than there is room."""
        client = await self.login()
        for size in (b"1_0", b" 5", b"-5", b"99999999999"):
            answer = client.begin(b"APPEND INBOX {%b}\r\n" % size)
            line = await client.response()
            assert not line.startswith(b"+"), line
            assert not line or line.startswith((answer + b" BAD", answer + b" NO"))
            client = await self.login()

    async def test_memory_of_a_literal(self) -> None:
        """A literal of a gigabyte is refused before it is sent."""
        client = await self.login()
        tag = client.begin(b"CREATE {1000000000}\r\n")
        assert not (await client.response()).startswith(b"+")
        del tag
