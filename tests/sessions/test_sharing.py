r"""Users who let others see their mail: RFC 4314.

Bob has connection 1, Ana 2, Eve 3, and an administrator 4.
"""

import pytest

from imapbox.model.names import UserName, mailbox_name
from imapbox.model.quota import Quota
from imapbox.store.quotas import quota_facts
from tests.support.mail_store import account_of
from tests.support.stage import SharingLogins, Stage

USERS = {"1": b"bob", "2": b"ana", "3": b"eve", "4": b"root"}
# Bob has two messages in Work.
WORK = r"""
    A1: CREATE Work
        OK ...
    A delivers: one
    A delivers: two
    A1: SELECT INBOX
        ...
        OK
    A1: MOVE 1:2 Work
        ...
        OK
    A1: UNSELECT
    """


@pytest.fixture
def stage(stage: Stage) -> Stage:
    stage.logins = SharingLogins
    stage.users = USERS
    return stage


async def test_another_reads(stage: Stage) -> None:
    r"""Who is given "lr" finds the mailbox, reads it, and changes nothing there.

    Before and afterwards it is as if there were none. Who has it open when the right
    to read is taken is told that it is gone, before another octet is read.
    """
    await stage.play(
        WORK
        + r"""
        B2: LIST "" "Other*"
        B2: SELECT "Other Users/bob/Work"
            NO [NONEXISTENT] No mailbox has this name.
        A1: SETACL Work Ana lr
        A1: GETACL Work
            * ACL Work bob lrswipkxteacd ana lr
            OK
        B2: LIST "" "*Work" RETURN (MYRIGHTS STATUS (MESSAGES))
            * LIST (\HasNoChildren) "/" "Other Users/bob/Work"
            * MYRIGHTS "Other Users/bob/Work" lr
            * STATUS "Other Users/bob/Work" (MESSAGES 2)
            OK
        B2: LIST "" "Other Users/%"
            * LIST (\Noselect \HasChildren) "/" "Other Users/bob"
            OK
        B2: SELECT "Other Users/BOB/Work"
            * FLAGS (\Answered \Flagged \Deleted \Seen \Draft)
            * 2 EXISTS
            ...
            * OK [PERMANENTFLAGS ()] No flags can be changed.
            ...
            OK [READ-ONLY] Mailbox opened for reading.
        B2: FETCH 1 (FLAGS BODY[TEXT])
            * 1 FETCH (FLAGS () BODY[TEXT] {5}\r\none\r\n)
            OK
        B2: STORE 1 +FLAGS (\Seen)
            NO [READ-ONLY] ...
        B2: MYRIGHTS "Other Users/bob/Work"
            * MYRIGHTS "Other Users/bob/Work" lr
            OK
        B2: GETACL "Other Users/bob/Work"
            NO [NOPERM] You have no right to do that.
        B2: SETACL "Other Users/bob/Work" eve lr
            NO [NOPERM] You have no right to do that.
        B2: SELECT INBOX
            ...
            OK
        B2: APPEND "Other Users/bob/Work" {3}
            NO [NOPERM] You have no right to do that.
        B2: SELECT "Other Users/bob/Work"
            ...
            OK [READ-ONLY] ...
        B2: DELETE "Other Users/bob/Work"
            NO [NOPERM] You have no right to do that.
        B2: RENAME "Other Users/bob/Work" "Other Users/bob/Mine"
            NO [NOPERM] You have no right to do that.
        B2: RENAME "Other Users/bob/Work" Mine
            NO [CANNOT] A mailbox can not have this name.
        B2: CREATE "Other Users/bob/Work/new"
            NO [NOPERM] You have no right to do that.
        A1: DELETEACL Work ana
        B2: FETCH 1 BODY[TEXT]
            NO [NONEXISTENT] The mailbox is not there any more.
            * BYE [NONEXISTENT] The mailbox is not there any more.
        B3: SELECT "Other Users/bob/Work"
            NO [NONEXISTENT] No mailbox has this name.
        """
    )


async def test_mailboxes_are_searched_that_may_be_read(stage: Stage) -> None:
    """ESEARCH passes over what one may not read, and finds what one names.

    "l" is needed only where the server looks for the names: RFC 7377 §2.2.
    """
    await stage.play(
        WORK
        + r"""
        A1: CREATE Closed
        A1: SETACL Closed ana l
        A1: SETACL Work ana lr
        A2: ESEARCH IN (subtree "Other Users") ALL
            * ESEARCH (TAG <> MAILBOX "Other Users/bob/Work" UIDVALIDITY <>) UID ALL 1:2
            OK
        A2: ESEARCH IN (mailboxes "Other Users/bob/Closed") ALL
            OK
        A1: SETACL Work ana r
        A2: ESEARCH IN (mailboxes ("Other Users/bob/No" "Other Users/bob/Work")) ALL
            * ESEARCH (TAG <> MAILBOX "Other Users/bob/Work" UIDVALIDITY <>) UID ALL 1:2
            OK
        A2: ESEARCH IN (subtree "Other Users" personal) ALL
            OK
        """
    )


async def test_who_only_listens_hears_nothing_more(stage: Stage) -> None:
    """Who idles when the right to read is taken hears BYE in place of what comes."""
    await stage.play(
        r"""
        A1: SETACL INBOX ana lr
        B2: SELECT "Other Users/bob/INBOX"
            ...
            OK
        B2 begins: IDLE
        B2 hears:
            + idling
        A delivers: one
        B2 hears:
            * 1 EXISTS
        A1: DELETEACL INBOX ana
        A delivers: two
        B2 ends:
            NO [NONEXISTENT] The mailbox is not there any more.
            * BYE [NONEXISTENT] The mailbox is not there any more.
        """
    )


async def test_each_flag_has_its_right(stage: Stage) -> None:
    r"""``\Seen`` needs "s", ``\Deleted`` "t", all other flags "w".

    What one may not change stays as it is, and is no reason to refuse the rest.
    EXPUNGE needs "e"; CLOSE without it removes nothing. New rights are told.
    """
    await stage.play(
        WORK
        + r"""
        A1: SETACL Work ana lrs
        A2: SELECT "Other Users/bob/Work"
            ...
            * OK [PERMANENTFLAGS (\Seen)] These flags last.
            ...
            OK [READ-WRITE] ...
        A2: STORE 1 +FLAGS (\Seen \Flagged \Deleted blue)
            * 1 FETCH (FLAGS (\Seen))
            OK
        A2: STORE 1 FLAGS (\Flagged)
            NO [NOPERM] ...
        A2: STORE 1 -FLAGS (blue)
            NO [NOPERM] ...
        A1: SELECT Work
            ...
            OK
        A1: STORE 1 FLAGS (\Answered blue)
            * FLAGS (\Answered \Flagged \Deleted \Seen \Draft blue)
            * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft blue \*)] ...
            * 1 FETCH (FLAGS (\Answered blue))
            OK
        A2: FETCH 2 BODY[TEXT]
            ...
            * 2 FETCH (FLAGS (\Seen) BODY[TEXT] {5}\r\ntwo\r\n)
            ...
            OK
        A2: STORE 1 FLAGS (\Seen)
            * 1 FETCH (FLAGS (\Answered \Seen blue))
            OK
        A1: SETACL Work ana -s
            ...
            OK
        A2: NOOP
            * FLAGS (\Answered \Flagged \Deleted \Seen \Draft blue)
            * OK [PERMANENTFLAGS ()] No flags can be changed.
            OK
        A1: STORE 2 -FLAGS.SILENT (\Seen)
        A2: FETCH 2 BODY[TEXT]
            * 2 FETCH (BODY[TEXT] {5}\r\ntwo\r\n)
            * 2 FETCH (UID 2 FLAGS ())
            OK
        A1: SETACL Work ana +tw
        A2: NOOP
            * FLAGS (\Answered \Flagged \Deleted \Seen \Draft blue)
            * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Draft blue \*)] ...
            OK
        A2: STORE 1 FLAGS (\Deleted)
            * 1 FETCH (FLAGS (\Deleted \Seen))
            OK
        A2: EXPUNGE
            NO [NOPERM] ...
        A2: UID EXPUNGE 1
            NO [NOPERM] ...
        A2: MOVE 1 INBOX
            NO [NOPERM] ...
        A2: REPLACE 1 INBOX {3}
            NO [NOPERM] ...
        A2: CLOSE
        A2: STATUS "Other Users/bob/Work" (MESSAGES)
            * STATUS "Other Users/bob/Work" (MESSAGES 2)
            OK
        A1: SETACL Work ana +e
            ...
            OK
        A2: SELECT "Other Users/bob/Work"
            ...
            OK
        A2: CLOSE
        A1: NOOP
            * 1 EXPUNGE
            OK
        """
    )


async def test_messages_go_from_one_to_another(stage: Stage) -> None:
    r"""COPY, MOVE, APPEND and REPLACE go into and out of what is another's.

    Flags come along that one has the right to set there.
    """
    await stage.play(
        WORK
        + r"""
        A1: SETACL Work ana lriste
        B2: SELECT "Other Users/bob/Work"
            ...
            OK
        B2: COPY 1 INBOX
            OK [COPYUID <> 1 1] Copied.
        B2: MOVE 2 INBOX
            * OK [COPYUID <> 2 2] Moved.
            * 2 EXPUNGE
            OK
        B2: SELECT INBOX
            ...
            OK
        B2: STORE 1:2 +FLAGS.SILENT (\Seen \Flagged blue)
            ...
            OK
        B2: COPY 1 "Other Users/bob/Nowhere"
            NO [TRYCREATE] No mailbox has this name.
        B2: COPY 1 "Other Users/bob/INBOX"
            NO [TRYCREATE] No mailbox has this name.
        B2: COPY 1 "Other Users/eve/INBOX"
            NO [TRYCREATE] No mailbox has this name.
        B2: COPY 1 "Other Users/bob/Work"
            OK [COPYUID <> 1 3] Copied.
        B2: MOVE 2 "Other Users/bob/Work"
            * OK [COPYUID <> 2 4] Moved.
            * 2 EXPUNGE
            OK
        A1: SELECT Work
            ...
            OK
        A1: FETCH 1:* (FLAGS BODY.PEEK[TEXT])
            * 1 FETCH (FLAGS () BODY[TEXT] {5}\r\none\r\n)
            * 2 FETCH (FLAGS (\Seen) BODY[TEXT] {5}\r\none\r\n)
            * 3 FETCH (FLAGS (\Seen) BODY[TEXT] {5}\r\ntwo\r\n)
            OK
        B2: SELECT "Other Users/bob/Work"
            ...
            OK
        A1: SETACL Work ana -i
        B2: COPY 1 "Other Users/bob/Work"
            NO [NOPERM] ...
        """
    )
    ana = stage.connections["B2"]
    append = b'APPEND "Other Users/bob/Work" (\\Seen \\Draft) {5+}\r\na: b\n'
    assert (await ana.command(append))[-1].startswith(b"NO [NOPERM]")
    await stage.play("A1: SETACL Work ana +i")
    assert (await ana.command(append))[-1].startswith(b"OK [APPENDUID")
    replace = b'REPLACE 1 "Other Users/bob/Work" {5+}\r\nc: d\n'
    assert (await ana.command(replace))[-1].startswith(b"OK")
    await stage.play(
        r"""
        A1: NOOP
            * 1 EXPUNGE
            * 4 EXISTS
            OK
        A1: FETCH 3:4 (UID FLAGS)
            * 3 FETCH (UID 5 FLAGS (\Seen))
            * 4 FETCH (UID 6 FLAGS ())
            OK
        """
    )


async def test_mailboxes_are_made_among_anothers(stage: Stage) -> None:
    """A new mailbox has the rights of the one above it; making one needs "k" there.

    DELETE needs "x", RENAME also "k" above the new name. Special uses are for the
    owner to give.
    """
    await stage.play(
        WORK
        + r"""
        A1: SETACL Work ana lrk
        A2: CREATE "Other Users/bob/Work/a/b"
            OK ...
        A2: CREATE "Other Users/bob/Work/a/b"
            NO [ALREADYEXISTS] ...
        A2: CREATE "Other Users/bob/Work/s" (USE (\Sent))
            NO [NOPERM] ...
        A2: CREATE "Other Users/bob/New"
            NO [NOPERM] ...
        A2: CREATE "Other Users/eve/New"
            NO [NOPERM] ...
        A2: CREATE "Other Users/bob"
            NO [CANNOT] ...
        A2: CREATE "Other Users"
            NO [CANNOT] ...
        A2: CREATE Shared
            NO [CANNOT] ...
        A2: CREATE Shared/x
            NO [NOPERM] ...
        A2: RENAME Archive Shared/x
            NO [CANNOT] ...
        A2: MYRIGHTS "Other Users/bob/Work/a/b"
            * MYRIGHTS "Other Users/bob/Work/a/b" lrkc
            OK
        A2: DELETE "Other Users/bob/Work/a/b"
            NO [NOPERM] ...
        A2: RENAME "Other Users/bob/Work/a/b" "Other Users/bob/Work/c"
            NO [NOPERM] ...
        A1: SETACL Work/a/b ana +x
        A2: RENAME "Other Users/bob/Work/a/b" "Other Users/bob/c"
            NO [NOPERM] ...
        A2: RENAME "Other Users/bob/Work/a/b" "Other Users/bob/Work/c"
        A1: LIST "" Work*
            * LIST (\HasChildren) "/" Work
            * LIST (\HasNoChildren) "/" Work/c
            OK
        A1: GETACL Work/c
            * ACL Work/c bob lrswipkxteacd ana lrkxc
            OK
        A2: DELETE "Other Users/bob/Work/c"
        A1: SETACL INBOX ana lrswipkxtea
        A2: DELETE "Other Users/bob/INBOX"
            NO [CANNOT] ...
        A2: RENAME "Other Users/bob/INBOX" "Other Users/bob/INBOX/old"
            NO [CANNOT] ...
        A2: SETACL "Other Users/bob/INBOX" eve lr
        A3: STATUS "Other Users/bob/inbox" (UIDNEXT)
            * STATUS "Other Users/bob/inbox" (UIDNEXT 3)
            OK
        """
    )


async def test_what_rights_can_be_given(stage: Stage) -> None:
    """The owner has all rights, and nobody can take them; others have one by one.

    "c" and "d" are for clients of RFC 2086. Negative rights, and rights for everybody
    to what is one's own, are refused.
    """
    await stage.play(
        r"""
        A1: SETACL INBOX ana cd
        A1: SETACL INBOX Ana +l
        A1: SETACL INBOX ana -x
        A1: GETACL inbox
            * ACL INBOX bob lrswipkxteacd ana lktecd
            OK
        A1: SETACL INBOX ana -lktea
        A1: GETACL INBOX
            * ACL INBOX bob lrswipkxteacd
            OK
        A1: SETACL INBOX bob lr
            NO [CANNOT] ...
        A1: DELETEACL INBOX bob
            NO [CANNOT] ...
        A1: SETACL INBOX -ana lr
            NO [CANNOT] ...
        A1: SETACL INBOX anyone lr
            NO [NOPERM] ...
        A1: DELETEACL INBOX nobody
        A1: LISTRIGHTS INBOX Bob
            * LISTRIGHTS INBOX Bob lrswipkxteacd
            OK
        A1: LISTRIGHTS INBOX Whoever
            * LISTRIGHTS INBOX Whoever "" l r s w i p k x t e a c d
            OK
        A1: LISTRIGHTS INBOX anyone
            * LISTRIGHTS INBOX anyone ""
            OK
        A1: SETACL nowhere ana lr
            NO [NONEXISTENT] ...
        A2: MYRIGHTS "Other Users/bob/INBOX"
            NO [NONEXISTENT] ...
        A1: SETACL INBOX ana p
        A2: MYRIGHTS "Other Users/bob/INBOX"
            NO [NONEXISTENT] ...
        A1: SETACL INBOX ana i
        A2: MYRIGHTS "Other Users/bob/INBOX"
            * MYRIGHTS "Other Users/bob/INBOX" i
            OK
        A2: STATUS "Other Users/bob/INBOX" (MESSAGES)
            NO [NONEXISTENT] ...
        A2: LIST "" "Other*"
        """
    )


async def test_what_is_nobodys_own(stage: Stage) -> None:
    """Below "Shared/" administrators make mailboxes, and give rights to anybody."""
    await stage.play(
        r"""
        A4: NAMESPACE
            * NAMESPACE (("" "/")) (("Other Users/" "/")) (("Shared/" "/"))
            OK
        A4: CREATE Shared/News
            OK ...
        A4: LIST "" Shared*
            * LIST (\HasNoChildren) "/" Shared/News
            OK
        A1: LIST "" Shared*
        A1: SELECT Shared/News
            NO [NONEXISTENT] ...
        A1: CREATE Shared/News/x
            NO [NOPERM] ...
        A4: SETACL Shared/News anyone lr
        A4: SETACL Shared/News ana +i
        A4: GETACL Shared/News
            * ACL Shared/News ana i anyone lr
            OK
        A2: MYRIGHTS Shared/News
            * MYRIGHTS Shared/News lri
            OK
        A1: LIST "" Shared* RETURN (MYRIGHTS)
            * LIST (\HasNoChildren) "/" Shared/News
            * MYRIGHTS Shared/News lr
            OK
        A4: SELECT Shared/INBOX
            NO [NONEXISTENT] ...
        A4: CREATE Shared/News/Old
            OK ...
        A1: EXAMINE Shared/News/Old
            ...
            OK
        A4: DELETE Shared/News
        A1: LIST "" Shared%
            * LIST (\Noselect \HasChildren) "/" Shared
            OK
        """
    )


async def test_subscriptions_are_ones_own(stage: Stage) -> None:
    """What of others' is subscribed to is remembered in one's own account.

    Personal mailboxes are what "personal" means to ESEARCH.
    """
    await stage.play(
        WORK
        + r"""
        A1: SETACL Work ana lr
        A2: SUBSCRIBE "Other Users/Bob/Work"
        A2: SUBSCRIBE "Other Users/eve/Work"
        A2: LIST (SUBSCRIBED) "" Other*
            * LIST (\Subscribed \HasNoChildren) "/" "Other Users/bob/Work"
            * LIST (\NonExistent \Subscribed \HasNoChildren) "/" "Other Users/eve/Work"
            OK
        A1: LSUB "" *Work
        A2: ESEARCH IN (personal) ALL
        A2: ESEARCH IN (subscribed) ALL
            * ESEARCH (TAG <> MAILBOX "Other Users/bob/Work" UIDVALIDITY <>) UID ALL 1:2
            OK
        A1: DELETEACL Work ana
        A2: ESEARCH IN (subscribed) ALL
        A2: UNSUBSCRIBE "Other Users/bob/Work"
        A2: LSUB "" Other*
            * LSUB () "/" "Other Users/eve/Work"
            OK
        """
    )


async def test_notes_and_quotas_of_others(stage: Stage) -> None:
    """Notes on another's mailbox need "l" and some right besides; shared ones "w".

    Private ones can't be set: RFC 5464 §4.3. What limits another is not told, but it
    is his quota that counts where messages are brought to him.
    """
    await stage.play(
        WORK
        + r"""
        A1: SETACL Work ana lri
        A2: SETMETADATA "Other Users/bob/Work" (/private/comment "mine")
            NO [METADATA NOPRIVATE] ...
        A2: SETMETADATA "Other Users/bob/Work" (/private/comment NIL)
        A2: SETMETADATA "Other Users/bob/Work" (/shared/comment "ours")
            NO [NOPERM] ...
        A1: SETMETADATA Work (/private/comment "his" /shared/comment "all")
        A2: GETMETADATA "Other Users/bob/Work" (/private/comment /shared/comment)
            * METADATA "Other Users/bob/Work" (/shared/comment "all")
            OK
        A1: SETACL Work ana +w
        A2: SETMETADATA "Other Users/bob/Work" (/shared/comment "ours")
        A1: GETMETADATA Work (/private/comment /shared/comment)
            * METADATA Work (/private/comment "his" /shared/comment "ours")
            OK
        A1: SETACL Work ana l
        A2: GETMETADATA "Other Users/bob/Work" /shared/comment
            NO [NOPERM] ...
        A1: SETACL Work ana lri
        A2: GETQUOTAROOT "Other Users/bob/Work"
            * QUOTAROOT "Other Users/bob/Work"
            OK
        """
    )
    bob = await stage.stores["A"].account(UserName("bob"))
    await bob.set_meta(quota_facts(Quota(None, 2)))
    ana = await stage.client("A2")
    for _ in range(2):
        said = await ana.command(b"APPEND INBOX {5+}\r\na: b\n")
        assert said[-1].startswith(b"OK")
    await stage.play(
        r"""
        A2: SELECT INBOX
            ...
            OK
        A2: MOVE 1 "Other Users/bob/Work"
            NO [OVERQUOTA] ...
        A2: COPY 1 "Other Users/bob/Work"
            NO [OVERQUOTA] ...
        A2: GETQUOTAROOT INBOX
            * QUOTAROOT INBOX
            OK
        """
    )
    replace = b'REPLACE 1 "Other Users/bob/Work" {5+}\r\na: b\n'
    assert (await ana.command(replace))[-1].startswith(b"NO [OVERQUOTA]")
    # Within the account, what goes makes room.
    await stage.play(
        r"""
        A1: SETACL Work ana lrite
        A2: SELECT "Other Users/bob/Work"
            ...
            OK
        """
    )
    assert (await ana.command(replace))[-1].startswith(b"OK")
    await stage.play(
        r"""
        A2: COPY 1 "Other Users/bob/Work"
            NO [OVERQUOTA] ...
        """
    )


async def test_numbers_are_for_who_may_read(stage: Stage) -> None:
    """Who may bring messages and not read them hears no UIDs: RFC 4315 §3."""
    await stage.play(
        r"""
        A1: CREATE Drop
            OK ...
        A1: SETACL Drop ana li
        A delivers: one
        """
    )
    ana = await stage.client("A2")
    to_drop = b'APPEND "Other Users/bob/Drop" {3+}\r\nx:y'
    assert await ana.command(to_drop) == [b"OK Message stored."]
    for _ in range(3):
        await ana.command(b"APPEND INBOX {3+}\r\nx:y")
    await ana.command(b"SELECT INBOX")
    replace = b'REPLACE 1 "Other Users/bob/Drop" {3+}\r\nx:z'
    said = await ana.command(replace)
    assert said == [b"* OK Stored.", b"* 1 EXPUNGE", b"OK Replaced."]
    await stage.play(
        r"""
        A2: COPY 1 "Other Users/bob/Drop"
            OK Copied.
        A2: MOVE 1 "Other Users/bob/Drop"
            * OK Moved.
            * 1 EXPUNGE
            OK
        A1: SETACL Drop ana +r
        A2: COPY 1 "Other Users/bob/Drop"
            OK [COPYUID <> 3 5] Copied.
        """
    )
    assert b"[APPENDUID" in (await ana.command(to_drop))[-1]


async def test_messages_are_made_of_others_mail(stage: Stage) -> None:
    """CATENATE takes from whatever one may read; all else is BADURL: RFC 4469 §3."""
    await stage.play(WORK + "A1: SETACL Work ana lr")
    ana = await stage.client("B2")
    url = b"/Other%20Users/bob/Work/;UID=1"
    append = b'APPEND INBOX CATENATE (URL "%b")' % url
    assert (await ana.command(append))[-1].startswith(b"OK [APPENDUID")
    for rights in b"l", b'""':
        await stage.play(f"A1: SETACL Work ana {rights.decode()}")
        refusal = b"NO [BADURL %b] A URL leads to nothing." % url
        assert await ana.command(append) == [refusal]


async def test_nobody_finds_his_own_among_others(stage: Stage) -> None:
    """The names that one's mailboxes have for others lead nowhere for oneself.

    No mailbox is renamed to one, nor made where its owner would find others' mail;
    who listens for names is told nothing.
    """
    bob = await account_of(await stage.store("A"))
    await bob.create(mailbox_name("Other Users/ana"))  # from before
    await stage.play(
        WORK
        + r"""
        A1: SETACL "Other Users/ana" eve lrkx
        A1: SETACL Work eve lrkx
        A1: NOTIFY SET (personal (MailboxName))
        A1: RENAME Work "Other Users/bob/Play"
            NO [CANNOT] ...
        A1: RENAME Work "Other Users/bob/Other Users/ana/INBOX"
            NO [CANNOT] ...
        A1: CREATE "Other Users/bob/Play"
            NO [NOPERM] ...
        A1: SELECT "Other Users/bob/Work"
            NO [NONEXISTENT] ...
        A1: GETQUOTAROOT "Other Users/bob/Work"
            * QUOTAROOT "Other Users/bob/Work"
            OK
        A3: RENAME "Other Users/bob/Work" "Other Users/bob/Other Users/ana/INBOX"
            NO [CANNOT] ...
        A3: CREATE "Other Users/bob/Other Users/ana/INBOX"
            NO [NOPERM] ...
        A1: LIST "" W*
            * LIST (\HasNoChildren) "/" Work
            OK
        A1: RENAME "Other Users/ana" Play
        B1: CREATE Play/new
            OK ...
        A1 hears:
            * LIST (\HasChildren) "/" Play
            * LIST (\HasNoChildren) "/" Play/new
        """
    )
