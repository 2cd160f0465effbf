"""Facts about several sessions, and about several commands at once."""

from imapbox.testing.server import MESSAGE, OTHER, Facts


class Sessions(Facts):
    """RFC 3501 §5.2, §5.5, §7.4.1; RFC 2177."""

    async def test_noop_tells_of_a_delivery(self) -> None:
        """The first NOOP behind a delivery tells of it, always."""
        client = await self.selected()
        for count in range(1, 6):
            await self.deliver(MESSAGE)
            answer = (await client.say(b"NOOP")).ok()
            assert answer.about(rb"\* %d EXISTS" % count), answer.whole

    async def test_check_tells_of_a_delivery(self) -> None:
        """So does CHECK."""
        client = await self.selected()
        await self.deliver(MESSAGE)
        assert (await client.say(b"CHECK")).ok().about(rb"\* 1 EXISTS")

    async def test_fetch_knows_of_a_delivery(self) -> None:
        """What fetches, stores or searches behind a delivery knows of it, too."""
        client = await self.selected(MESSAGE)
        await self.deliver(OTHER)
        (await client.say(b"UID SEARCH ALL")).ok()
        (await client.say(b"FETCH 2 FLAGS")).ok().one(rb"\* 2 FETCH")

    async def test_noop_tells_of_expunges(self) -> None:
        """The next NOOP tells what others expunged."""
        one = await self.selected(MESSAGE, OTHER)
        two = await self.selected()
        (await two.say(rb"STORE 1 +FLAGS.SILENT (\Deleted)")).ok()
        (await two.say(b"EXPUNGE")).ok()
        assert (await one.say(b"NOOP")).ok().about(rb"\* 1 EXPUNGE")

    async def test_no_expunge_while_numbers_are_used(self) -> None:
        """FETCH, STORE and SEARCH tell no EXPUNGE: RFC 3501 §7.4.1."""
        one = await self.selected(MESSAGE, OTHER, MESSAGE)
        two = await self.selected()
        (await two.say(rb"STORE 1 +FLAGS.SILENT (\Deleted)")).ok()
        (await two.say(b"EXPUNGE")).ok()
        for command in (b"FETCH 2 RFC822.SIZE", b"STORE 2 +FLAGS (a)", b"SEARCH ALL"):
            answer = (await one.say(command)).ok()
            assert not answer.about(rb"\* \d+ EXPUNGE"), answer.whole
        # And the number still means the same message.
        answer = (await one.say(b"FETCH 2 RFC822.SIZE")).ok()
        assert b"SIZE %d" % len(OTHER) in answer.one(rb"\* 2 FETCH.*")[0]

    async def test_new_mail_behind_an_untold_expunge(self) -> None:
        """EXPUNGE tells what others expunged before, and new mail is told, too."""
        one = await self.selected(MESSAGE, OTHER)
        two = await self.selected()
        (await two.say(rb"STORE 1 +FLAGS.SILENT (\Deleted)")).ok()
        (await two.say(b"EXPUNGE")).ok()
        await self.deliver(MESSAGE)
        told: list[bytes] = []
        for command in (b"UID SEARCH ALL", b"EXPUNGE", b"NOOP"):
            told += (await one.say(command)).ok().lines
        count = 2
        for line in told:
            number, _, what = line.removeprefix(b"* ").partition(b" ")
            if what == b"EXISTS":
                count = int(number)
            elif what == b"EXPUNGE":
                count -= 1
        assert count == 2
        assert b"* 1 EXPUNGE" in told

    async def test_flags_of_others(self) -> None:
        """The next NOOP tells which flags others changed."""
        one = await self.selected(MESSAGE)
        two = await self.selected()
        (await two.say(rb"STORE 1 +FLAGS.SILENT (\Flagged)")).ok()
        answer = (await one.say(b"NOOP")).ok()
        assert b"\\Flagged" in answer.one(rb"\* 1 FETCH .*FLAGS \((.*?)\)")[1]

    async def test_idle_tells_of_a_delivery(self) -> None:
        """A client that idles is told of a delivery when it happens."""
        client = await self.selected()
        tag = client.begin(b"IDLE\r\n")
        assert (await client.response()).startswith(b"+ ")
        await self.deliver(MESSAGE)
        while b" EXISTS" not in (line := await client.response()):
            assert line, "the connection was closed"
        assert line == b"* 1 EXISTS"
        client.write(b"DONE\r\n")
        (await client.answer(tag)).ok()

    async def test_idle_tells_of_expunges(self) -> None:
        """A client that idles is told of expunges."""
        one = await self.selected(MESSAGE)
        tag = one.begin(b"IDLE\r\n")
        assert (await one.response()).startswith(b"+")
        two = await self.selected()
        (await two.say(rb"STORE 1 +FLAGS.SILENT (\Deleted)")).ok()
        (await two.say(b"EXPUNGE")).ok()
        while b" EXPUNGE" not in (line := await one.response()):
            assert line, "the connection was closed"
        one.write(b"DONE\r\n")
        (await one.answer(tag)).ok()

    async def test_only_done_ends_idle(self) -> None:
        """Anything but DONE is BAD: RFC 2177 §3."""
        client = await self.selected()
        tag = client.begin(b"IDLE\r\n")
        assert (await client.response()).startswith(b"+")
        client.write(b"nonsense\r\n")
        (await client.answer(tag)).is_(b"BAD")

    async def test_pipelined_select(self) -> None:
        """A command behind SELECT is done in the mailbox that it selects."""
        client = await self.login()
        (await client.say(b"APPEND INBOX () ", MESSAGE)).ok()
        one = client.begin(b"SELECT INBOX\r\n")
        two = client.begin(b"FETCH 1 RFC822.SIZE\r\n")
        (await client.answer(one)).ok()
        (await client.answer(two)).ok().one(rb"\* 1 FETCH")

    async def test_pipelined_changes(self) -> None:
        """Commands are done in the order in which they came."""
        client = await self.selected(MESSAGE, OTHER)
        tags = [
            client.begin(command)
            for command in (
                b"STORE 1 +FLAGS.SILENT (\\Deleted)\r\n",
                b"EXPUNGE\r\n",
                b"FETCH 1 RFC822.SIZE\r\n",
            )
        ]
        _, expunged, fetched = [(await client.answer(tag)).ok() for tag in tags]
        assert expunged.about(rb"\* 1 EXPUNGE")
        assert b"SIZE %d" % len(OTHER) in fetched.one(rb"\* 1 FETCH.*")[0]

    async def test_pipelined_fetches(self) -> None:
        """Each of several FETCHes is answered."""
        client = await self.selected(MESSAGE, OTHER)
        tags = [client.begin(b"FETCH 1:2 BODY.PEEK[]\r\n") for _ in range(3)]
        for tag in tags:
            assert len((await client.answer(tag)).ok().about(rb"\* \d FETCH")) == 2

    async def test_deleted_under_a_session(self) -> None:
        """A session whose mailbox is deleted gets an answer, or the end."""
        one = await self.login()
        (await one.say(b"CREATE a")).ok()
        (await one.say(b"SELECT a")).ok()
        two = await self.login()
        (await two.say(b"DELETE a")).ok()
        (await one.say(b"NOOP")).is_(b"OK", b"NO", b"BAD", b"")
