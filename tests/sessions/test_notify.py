r"""NOTIFY among several sessions. RFC 5465."""

from tests.support.stage import SharingLogins, Stage

WISHES = (
    "(selected (MessageNew (FLAGS) MessageExpunge FlagChange)) "
    "(personal (MessageNew MessageExpunge MailboxName SubscriptionChange "
    "MailboxMetadataChange))"
)


async def test_who_watches_is_told(stage: Stage) -> None:
    """What other processes do is told to who watches, while it says nothing."""
    await stage.play(
        r"""
        A1: CREATE work
        B1: CREATE work/a
        A1: SELECT INBOX
            ...
            OK
        A1: NOTIFY SET STATUS WISHES
            ...
            * STATUS work (MESSAGES 0 UIDNEXT 1 ...
            * STATUS work/a (MESSAGES 0 UIDNEXT 1 ...
            OK
        B delivers: one
        A1 hears:
            * 1 EXISTS
            * 1 FETCH (UID 1 FLAGS ())
        B1: SELECT INBOX
            ...
            OK
        B1: STORE 1 +FLAGS (\Seen)
            ...
            OK
        A1 hears:
            * 1 FETCH (UID 1 FLAGS (\Seen))
        B1: COPY 1 work/a
            ...
            OK [COPYUID <> 1 1] ...
        A1 hears:
            * STATUS work/a (MESSAGES 1 UIDNEXT 2)
        B1: RENAME work office
        A1 hears:
            * LIST (\HasChildren) "/" office ("OLDNAME" (work))
        B1: SUBSCRIBE office
        A1 hears:
            * LIST (\Subscribed \HasChildren) "/" office
        B1: STORE 1 +FLAGS.SILENT (\Deleted)
        A1 hears:
            * 1 FETCH (UID 1 FLAGS (\Deleted \Seen))
        B1: EXPUNGE
            * 1 EXPUNGE
            OK
        A1 hears:
            * 1 EXPUNGE
        B1: DELETE office/a
        A1 hears:
            * LIST (\Subscribed \HasNoChildren) "/" office
            * LIST (\NonExistent \HasNoChildren) "/" office/a
        B1: SETMETADATA office (/private/comment "ours")
        A1 hears:
            * METADATA office /private/comment
        A1: NOTIFY NONE
        B delivers: two
        A1: NOOP
        """.replace("WISHES", WISHES)
    )


async def test_others_mailboxes(stage: Stage) -> None:
    r"""Who may read somebody's mailbox is told what happens there, as long as he may.

    Of what he may only see he is told that nothing is told.
    """
    stage.logins = SharingLogins
    stage.users = {"1": b"bob", "2": b"ana"}
    await stage.play(
        r"""
        A1: CREATE Work
            ...
            OK
        A1: CREATE Seen
            ...
            OK
        A delivers: one
        A1: SELECT INBOX
            ...
            OK
        A1: SETACL Work ana lr
        A1: SETACL Seen ana l
        B2: NOTIFY SET STATUS (subtree "Other Users" WISHES)
            * LIST (\NoAccess \HasNoChildren) "/" "Other Users/bob/Seen"
            * STATUS "Other Users/bob/Work" (MESSAGES 0 UIDNEXT 1 ...
            OK
        A1: COPY 1 Work
            OK [COPYUID <> 1 <>] ...
        B2 hears:
            * STATUS "Other Users/bob/Work" (MESSAGES 1 UIDNEXT 2 UNSEEN 1)
        A1: SETACL Work ana ""
        B2 hears:
            * LIST (\NonExistent \HasChildren) "/" "Other Users/bob"
            * LIST (\NonExistent \HasNoChildren) "/" "Other Users/bob/Work"
        A1: COPY 1 Work
            OK [COPYUID <> 1 <>] ...
        B2: NOOP
        """.replace("WISHES", "(MessageNew MessageExpunge MailboxName)")
    )
    # RFC 5465 §5.9: who is not told of names is told that he loses sight of one.
    await stage.play(
        r"""
        B2: NOTIFY NONE
        A1: SETACL Work ana lr
        B2: NOTIFY SET (subtree "Other Users" (MessageNew MessageExpunge))
            * LIST (\NoAccess \HasNoChildren) "/" "Other Users/bob/Seen"
            OK
        A1: SETACL Work ana l
        B2 hears:
            * LIST (\NoAccess \HasNoChildren) "/" "Other Users/bob/Work"
        A1: SETACL Work ana lr
        B2 hears:
            * LIST (\HasNoChildren) "/" "Other Users/bob/Work"
            * STATUS "Other Users/bob/Work" (MESSAGES 2 UIDNEXT 3 UIDVALIDITY <>)
        A1: SETACL Work ana ""
        B2 hears:
            * LIST (\NoAccess \HasNoChildren) "/" "Other Users/bob/Work"
        A1: SETACL Seen ana lr
        B2 hears:
            * LIST (\HasNoChildren) "/" "Other Users/bob/Seen"
        """
    )
