"""Facts about connections, logins, and the selection of a mailbox."""

from imapbox.testing.server import MESSAGE, OTHER, Facts


class Selecting(Facts):
    """RFC 3501 §6.1, §6.2, §6.3.1, §6.3.2."""

    async def test_capability(self) -> None:
        """CAPABILITY names IMAP4rev1."""
        client = await self.connect()
        answer = (await client.say(b"CAPABILITY")).ok()
        assert b"IMAP4rev1" in answer.one(rb"\* CAPABILITY (.+)")[1].split()

    async def test_login(self) -> None:
        """A wrong password is refused with NO; the right one is taken then."""
        client = await self.connect()
        (await client.say(b"LOGIN %b wrong" % self.user)).is_(b"NO")
        (await client.say(b"LOGIN %b %b" % (self.user, self.password))).ok()

    async def test_login_with_literals(self) -> None:
        """Name and password may be literals."""
        client = await self.connect()
        (await client.say(b"LOGIN ", self.user, b" ", self.password)).ok()

    async def test_login_with_quoted_specials(self) -> None:
        """A backslash in a quoted string is an escape: RFC 3501 §9, quoted."""
        client = await self.connect()
        answer = await client.say(rb'LOGIN %b "pa\"ss\\word"' % self.user)
        answer.is_(b"NO")  # and not BAD: it is merely not the password

    async def test_nothing_before_login(self) -> None:
        """Nobody selects a mailbox before login."""
        client = await self.connect()
        (await client.say(b"SELECT INBOX")).is_(b"BAD", b"NO")

    async def test_logout(self) -> None:
        """LOGOUT says BYE, then OK, and the connection is closed."""
        client = await self.login()
        answer = (await client.say(b"LOGOUT")).ok()
        answer.one(rb"\* BYE ")
        assert await client.response() == b""

    async def test_select(self) -> None:
        """SELECT tells FLAGS, EXISTS, RECENT, UIDVALIDITY, and READ-WRITE."""
        client = await self.selected(MESSAGE)
        answer = (await client.say(b"SELECT INBOX")).ok()
        flags = answer.one(rb"\* FLAGS \((.*)\)")[1].split()
        assert {b"\\Seen", b"\\Deleted"} <= set(flags)
        assert answer.one(rb"\* (\d+) EXISTS")[1] == b"1"
        answer.one(rb"\* \d+ RECENT")
        assert int(answer.one(rb"\* OK \[UIDVALIDITY (\d+)\]")[1]) > 0
        assert answer.text.startswith(b"[READ-WRITE]")

    async def test_select_tells_uidnext(self) -> None:
        """SELECT tells UIDNEXT, greater than every UID."""
        client = await self.selected(MESSAGE)
        answer = (await client.say(b"SELECT INBOX")).ok()
        uidnext = int(answer.one(rb"\* OK \[UIDNEXT (\d+)\]")[1])
        fetched = (await client.say(b"FETCH 1 UID")).ok()
        assert int(fetched.one(rb"\* 1 FETCH \(UID (\d+)\)")[1]) < uidnext

    async def test_select_tells_permanentflags(self) -> None:
        """SELECT tells which flags can be changed."""
        client = await self.selected()
        answer = (await client.say(b"SELECT INBOX")).ok()
        assert b"\\Seen" in answer.one(rb"\* OK \[PERMANENTFLAGS \((.*?)\)\]")[1]

    async def test_select_tells_unseen(self) -> None:
        """SELECT tells the first message that nobody has seen."""
        client = await self.selected(MESSAGE, OTHER)
        (await client.say(rb"STORE 1 +FLAGS.SILENT (\Seen)")).ok()
        answer = (await client.say(b"SELECT INBOX")).ok()
        assert answer.one(rb"\* OK \[UNSEEN (\d+)\]")[1] == b"2"

    async def test_select_of_what_is_not_there(self) -> None:
        """A SELECT that fails is NO, and leaves no mailbox selected."""
        client = await self.selected(MESSAGE)
        (await client.say(b"SELECT nothing")).is_(b"NO")
        (await client.say(b"FETCH 1 FLAGS")).is_(b"BAD", b"NO")

    async def test_examine(self) -> None:
        """EXAMINE says READ-ONLY, and nothing can be changed."""
        client = await self.selected(MESSAGE)
        answer = (await client.say(b"EXAMINE INBOX")).ok()
        assert answer.text.startswith(b"[READ-ONLY]")
        (await client.say(rb"STORE 1 +FLAGS (\Deleted)")).is_(b"NO")
        (await client.say(b"EXPUNGE")).is_(b"NO")

    async def test_recent_is_told_once(self) -> None:
        r"""A message is ``\Recent`` to one session, whatever STATUS and APPEND did."""
        await self.deliver(MESSAGE)
        client = await self.login()
        (await client.say(b"STATUS INBOX (RECENT)")).ok()
        (await client.say(b"APPEND INBOX () ", OTHER)).ok()
        answer = (await client.say(b"SELECT INBOX")).ok()
        assert answer.one(rb"\* (\d+) RECENT")[1] == b"2"

    async def test_close(self) -> None:
        r"""CLOSE removes what is ``\Deleted`` and tells of no EXPUNGE."""
        client = await self.selected(MESSAGE, OTHER)
        (await client.say(rb"STORE 1 +FLAGS.SILENT (\Deleted)")).ok()
        assert not (await client.say(b"CLOSE")).ok().about(rb"\* \d+ EXPUNGE")
        answer = (await client.say(b"SELECT INBOX")).ok()
        assert answer.one(rb"\* (\d+) EXISTS")[1] == b"1"

    async def test_check(self) -> None:
        """CHECK and NOOP are OK."""
        client = await self.selected(MESSAGE)
        (await client.say(b"CHECK")).ok()
        (await client.say(b"NOOP")).ok()
