"""Facts about FETCH. RFC 3501 §6.4.5, §7.4.2."""

from imapbox.testing.server import MESSAGE, OTHER, Facts

HEADER, _, TEXT = MESSAGE.partition(b"\r\n\r\n")
HEADER += b"\r\n\r\n"
PARTS = (
    b"From: ana@example.org\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: multipart/mixed; boundary=limit\r\n\r\n"
    b"--limit\r\nContent-Type: text/plain;\r\n\r\nhello\r\n"
    b"--limit\r\nContent-Type: message/rfc822\r\n\r\n"
    b"Subject: inner\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: multipart/mixed; boundary=within\r\n\r\n"
    b"--within\r\n\r\nthe first\r\n--within\r\n\r\nthe second\r\n--within--\r\n"
    b"\r\n--limit--\r\n"
)


class Fetching(Facts):
    """What FETCH tells, octet by octet."""

    async def _octets(self, item: bytes, message: bytes = MESSAGE) -> bytes:
        """Return the octets that FETCH tells for an item of a new message."""
        return await self._labelled(item, item.replace(b".PEEK", b""), message)

    async def _labelled(self, item: bytes, label: bytes, message: bytes) -> bytes:
        client = await self.selected(message)
        answer = (await client.say(b"FETCH 1 %b" % item)).ok()
        rows = (line.partition(b"}\r\n") for line in answer.lines)
        told = [(before, octets) for before, _, octets in rows if label in before]
        if len(told) != 1:
            raise AssertionError(f"{label!r}: {answer.whole!r}")
        ((before, octets),) = told
        size = int(before.rpartition(b"{")[2])
        return octets[:size]

    async def test_what_is_known(self) -> None:
        """FETCH tells UID, FLAGS, RFC822.SIZE and INTERNALDATE."""
        client = await self.login()
        date = b' "17-Jul-1996 02:44:25 -0700" '
        (await client.say(rb"APPEND INBOX (\Flagged)" + date, MESSAGE)).ok()
        (await client.say(b"SELECT INBOX")).ok()
        answer = (
            await client.say(b"FETCH 1 (UID FLAGS RFC822.SIZE INTERNALDATE)")
        ).ok()
        (line,) = answer.lines
        assert b"RFC822.SIZE %d" % len(MESSAGE) in line
        assert b'INTERNALDATE "17-Jul-1996 02:44:25 -0700"' in line
        assert b"\\Flagged" in line

    async def test_uid_fetch(self) -> None:
        """UID FETCH tells the UID, asked for or not; UIDs of nobody are no mistake."""
        client = await self.selected(MESSAGE, OTHER)
        answer = (await client.say(b"UID FETCH 1:4294967295 FLAGS")).ok()
        assert len(answer.about(rb"\* \d+ FETCH \(.*UID \d+")) == 2
        assert (await client.say(b"UID FETCH 4294967290 FLAGS")).ok().lines == []

    async def test_numbers_of_nobody(self) -> None:
        """A sequence number beyond the last message's is BAD: RFC 3501 §9."""
        client = await self.selected(MESSAGE)
        (await client.say(b"FETCH 5 FLAGS")).is_(b"BAD", b"NO")

    async def test_the_last_one(self) -> None:
        """``*`` is the last message, and ``*:*`` is, too."""
        client = await self.selected(MESSAGE, OTHER)
        for numbers in (b"*", b"*:*", b"*:2"):
            (await client.say(b"FETCH %b UID" % numbers)).ok().one(rb"\* 2 FETCH ")

    async def test_macros(self) -> None:
        """FAST is FLAGS, INTERNALDATE and RFC822.SIZE."""
        client = await self.selected(MESSAGE)
        (line,) = (await client.say(b"FETCH 1 FAST")).ok().lines
        assert all(item in line for item in (b"FLAGS ", b"INTERNALDATE ", b"SIZE "))

    async def test_body(self) -> None:
        """BODY[] is the message, octet by octet."""
        assert await self._octets(b"BODY.PEEK[]") == MESSAGE

    async def test_rfc822(self) -> None:
        """RFC822 is, too."""
        assert await self._octets(b"RFC822") == MESSAGE

    async def test_header(self) -> None:
        """BODY[HEADER] has all fields, as they were sent, and the empty line."""
        assert await self._octets(b"BODY.PEEK[HEADER]") == HEADER

    async def test_text(self) -> None:
        """BODY[TEXT] is what is behind the empty line."""
        assert await self._octets(b"BODY.PEEK[TEXT]") == TEXT

    async def test_fields(self) -> None:
        """HEADER.FIELDS has those fields that are named, and the empty line."""
        octets = await self._labelled(
            b"BODY.PEEK[HEADER.FIELDS (Subject X-None)]", b"BODY[HEADER.FIELDS", MESSAGE
        )
        assert octets == b"Subject: a first message\r\n\r\n"

    async def test_other_fields(self) -> None:
        """HEADER.FIELDS.NOT has the others."""
        octets = await self._labelled(
            b"BODY.PEEK[HEADER.FIELDS.NOT (Received From To Date)]",
            b"BODY[HEADER.FIELDS.NOT",
            MESSAGE,
        )
        assert octets == b"Subject: a first message\r\n\r\n"

    async def test_partial(self) -> None:
        """``<10.20>`` is twenty octets from the tenth on, labelled ``<10>``."""
        octets = await self._labelled(b"BODY.PEEK[]<10.20>", b"BODY[]<10> ", MESSAGE)
        assert octets == MESSAGE[10:30]

    async def test_partial_at_the_end(self) -> None:
        """A partial that reaches beyond the end is shorter."""
        start = len(MESSAGE) - 4
        octets = await self._labelled(
            b"BODY.PEEK[]<%d.100>" % start, b"BODY[]<%d> " % start, MESSAGE
        )
        assert octets == MESSAGE[-4:]

    async def test_reading_sets_seen(self) -> None:
        r"""BODY[] sets ``\Seen``, and BODY.PEEK[] doesn't."""
        client = await self.selected(MESSAGE)
        (await client.say(b"FETCH 1 BODY.PEEK[]")).ok()
        assert b"\\Seen" not in (await client.say(b"FETCH 1 FLAGS")).ok().lines[-1]
        (await client.say(b"FETCH 1 BODY[]")).ok()
        assert b"\\Seen" in (await client.say(b"FETCH 1 FLAGS")).ok().lines[-1]

    async def test_envelope(self) -> None:
        """ENVELOPE has date, subject, and addresses of four fields each."""
        client = await self.selected(MESSAGE)
        answer = (await client.say(b"FETCH 1 ENVELOPE")).ok()
        ana = rb'\(\("Ana Example" NIL "ana" "example.org"\)\)'
        answer.one(
            rb'\* 1 FETCH \(ENVELOPE \("Mon, 23 Nov 2026 11:00:00 \+0100" '
            rb'"a first message" ' + rb" ".join([ana] * 3) + rb" "
            rb'\(\(NIL NIL "bob" "example.org"\)\) NIL NIL NIL NIL\)\)'
        )

    async def test_bodystructure(self) -> None:
        """BODYSTRUCTURE of a text tells the size of its body, and its lines."""
        client = await self.selected(MESSAGE)
        answer = (await client.say(b"FETCH 1 BODYSTRUCTURE")).ok()
        pattern = rb'(?i)\* 1 FETCH \(BODYSTRUCTURE \("text" "plain" .* %d 2[ )]'
        answer.one(pattern % len(TEXT))

    async def test_part(self) -> None:
        """BODY[1] is the body of the first part."""
        assert await self._octets(b"BODY.PEEK[1]", PARTS) == b"hello"

    async def test_part_of_a_text(self) -> None:
        """Part 1 of a message that is no multipart is its text: RFC 3501 §6.4.5."""
        assert await self._octets(b"BODY.PEEK[1]") == TEXT

    async def test_mime(self) -> None:
        """BODY[2.MIME] is the header of the second part."""
        octets = await self._octets(b"BODY.PEEK[2.MIME]", PARTS)
        assert octets == b"Content-Type: message/rfc822\r\n\r\n"

    async def test_header_of_a_message_in_a_message(self) -> None:
        """BODY[2.HEADER] is that of the message in the second part."""
        octets = await self._octets(b"BODY.PEEK[2.HEADER]", PARTS)
        assert octets.startswith(b"Subject: inner\r\n")

    async def test_part_of_a_message_in_a_message(self) -> None:
        """BODY[2.2] is a part of the message in the second part."""
        assert await self._octets(b"BODY.PEEK[2.2]", PARTS) == b"the second"

    async def test_missing_part(self) -> None:
        """A part that is not there costs nobody the connection."""
        client = await self.selected(PARTS)
        (await client.say(b"FETCH 1 BODY.PEEK[7]")).is_(b"OK", b"NO", b"BAD")
        (await client.say(b"NOOP")).ok()

    async def test_unknown_item(self) -> None:
        """An item that nobody knows is BAD, in the tagged answer."""
        client = await self.selected(MESSAGE)
        (await client.say(b"FETCH 1 NONSENSE")).is_(b"BAD")
