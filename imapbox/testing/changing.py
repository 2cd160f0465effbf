"""Facts about STORE, APPEND, EXPUNGE and COPY."""

from imapbox.testing.server import MESSAGE, OTHER, Facts


class Changing(Facts):
    """RFC 3501 §6.3.11, §6.4.3, §6.4.6, §6.4.7."""

    async def test_store(self) -> None:
        """STORE adds, removes and replaces flags, and tells them."""
        client = await self.selected(MESSAGE)
        for item, flags in (
            (rb"+FLAGS (\Seen)", {b"\\Seen"}),
            (rb"+FLAGS (\Flagged $Work)", {b"\\Seen", b"\\Flagged", b"$Work"}),
            (rb"-FLAGS (\Seen)", {b"\\Flagged", b"$Work"}),
            (rb"FLAGS (\Draft)", {b"\\Draft"}),
            (b"FLAGS ()", set()),
        ):
            answer = (await client.say(b"STORE 1 " + item)).ok()
            told = set(answer.one(rb"\* 1 FETCH \(FLAGS \((.*?)\)")[1].split())
            assert told - {b"\\Recent"} == flags, answer.whole

    async def test_silent(self) -> None:
        """STORE with .SILENT tells nothing."""
        client = await self.selected(MESSAGE)
        answer = (await client.say(rb"STORE 1 +FLAGS.SILENT (\Seen)")).ok()
        assert not answer.about(rb"\* \d+ FETCH")

    async def test_uid_store(self) -> None:
        """UID STORE tells the UID, too."""
        client = await self.selected(MESSAGE)
        answer = (await client.say(rb"UID STORE 1:* +FLAGS (\Seen)")).ok()
        answer.one(rb"\* 1 FETCH \(.*UID \d+")

    async def test_store_of_nonsense(self) -> None:
        """An item that nobody knows is BAD, and changes nothing."""
        client = await self.selected(MESSAGE)
        (await client.say(rb"STORE 1 FLAGS.SILENT (\Flagged)")).ok()
        (await client.say(rb"STORE 1 BLAH (\Deleted)")).is_(b"BAD")
        answer = (await client.say(b"FETCH 1 FLAGS")).ok()
        assert b"\\Flagged" in answer.lines[-1], answer.whole

    async def test_append(self) -> None:
        """What was appended is there, with its flags; the session is told."""
        client = await self.selected()
        answer = (await client.say(rb"APPEND INBOX (\Seen $Work) ", MESSAGE)).ok()
        assert answer.about(rb"\* 1 EXISTS"), answer.whole
        answer = (await client.say(b"FETCH 1 (FLAGS RFC822.SIZE)")).ok()
        assert b"RFC822.SIZE %d" % len(MESSAGE) in answer.lines[-1]
        assert b"$Work" in answer.lines[-1]

    async def test_append_without_flags(self) -> None:
        """APPEND needs neither flags nor a date."""
        client = await self.login()
        (await client.say(b"APPEND INBOX ", MESSAGE)).ok()

    async def test_append_to_another(self) -> None:
        """APPEND to another mailbox tells no EXISTS of it."""
        client = await self.selected(MESSAGE)
        (await client.say(b"CREATE other")).ok()
        for _ in range(2):
            answer = (await client.say(b"APPEND other () ", OTHER)).ok()
            assert not [n for n in answer.about(rb"\* (\d+) EXISTS") if n[1] != b"1"]

    async def test_append_to_nothing(self) -> None:
        """APPEND to a mailbox that is not there is NO, with TRYCREATE."""
        client = await self.login()
        answer = await client.say(b"APPEND nothing () ", MESSAGE)
        assert answer.is_(b"NO").text.startswith(b"[TRYCREATE]")

    async def test_append_of_a_bad_date(self) -> None:
        """A date that is none is refused, and nothing is appended."""
        client = await self.selected()
        (await client.say(b'APPEND INBOX () "yesterday" ', MESSAGE)).is_(b"BAD", b"NO")
        answer = (await client.say(b"SELECT INBOX")).ok()
        assert answer.one(rb"\* (\d+) EXISTS")[1] == b"0"

    async def test_expunge(self) -> None:
        """EXPUNGE tells what went, so that numbers hold while it is told."""
        client = await self.selected(MESSAGE, OTHER, MESSAGE, OTHER)
        (await client.say(rb"STORE 1,3:4 +FLAGS.SILENT (\Deleted)")).ok()
        left = [1, 2, 3, 4]
        for gone in (await client.say(b"EXPUNGE")).ok().about(rb"\* (\d+) EXPUNGE"):
            del left[int(gone[1]) - 1]
        assert left == [2]
        answer = (await client.say(b"FETCH 1:* RFC822.SIZE")).ok()
        assert b"SIZE %d" % len(OTHER) in answer.one(rb"\* 1 FETCH .*")[0]

    async def test_uids_are_never_given_again(self) -> None:
        """A new message's UID is none that was there."""
        client = await self.selected(MESSAGE)
        uid = (await client.say(b"FETCH 1 UID")).ok().one(rb"\* 1 FETCH .UID (\d+)")
        (await client.say(rb"STORE 1 +FLAGS.SILENT (\Deleted)")).ok()
        (await client.say(b"EXPUNGE")).ok()
        (await client.say(b"APPEND INBOX () ", OTHER)).ok()
        new = (await client.say(b"FETCH 1 UID")).ok().one(rb"\* 1 FETCH .UID (\d+)")
        assert int(new[1]) > int(uid[1])

    async def test_copy(self) -> None:
        """A copy has the octets, flags and date of its message."""
        client = await self.login()
        date = b' "17-Jul-1996 02:44:25 -0700" '
        (await client.say(rb"APPEND INBOX (\Flagged $Work)" + date, MESSAGE)).ok()
        (await client.say(b"CREATE other")).ok()
        (await client.say(b"SELECT INBOX")).ok()
        (await client.say(b"COPY 1 other")).ok()
        (await client.say(b"SELECT other")).ok()
        answer = (await client.say(b"FETCH 1 (FLAGS INTERNALDATE BODY.PEEK[])")).ok()
        (line,) = answer.about(rb"\* 1 FETCH .*")
        assert MESSAGE in line[0]
        assert b"$Work" in line[0]
        assert b'"17-Jul-1996 02:44:25 -0700"' in line[0]

    async def test_copy_to_nothing(self) -> None:
        """COPY to a mailbox that is not there is NO, with TRYCREATE."""
        client = await self.selected(MESSAGE)
        answer = await client.say(b"COPY 1 nothing")
        assert answer.is_(b"NO").text.startswith(b"[TRYCREATE]")

    async def test_copy_of_several(self) -> None:
        """Copies come in the order of their messages."""
        client = await self.selected(MESSAGE, OTHER, MESSAGE)
        (await client.say(b"CREATE other")).ok()
        (await client.say(b"UID COPY 1:* other")).ok()
        (await client.say(b"SELECT other")).ok()
        answer = (await client.say(b"FETCH 1:3 RFC822.SIZE")).ok()
        sizes = [int(each[1]) for each in answer.about(rb"\* \d FETCH .*SIZE (\d+)")]
        assert sizes == [len(MESSAGE), len(OTHER), len(MESSAGE)]
