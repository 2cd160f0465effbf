r"""Several sessions of one user who may hold only so much: RFC 9208.

Process B delivers; the administrator sets the quota by C.
"""

import pytest

from imapbox.model.errors import QuotaExceeded
from imapbox.model.quota import NO_QUOTA, Quota
from imapbox.store.quotas import quota_facts
from tests.support.mail_store import BOB
from tests.support.stage import Stage


async def limit(stage: Stage, quota: Quota) -> None:
    """Set what bob may hold."""
    store = await stage.store("C")
    await (await store.account(BOB)).set_meta(quota_facts(quota))


async def test_all_sessions_see_one_quota(stage: Stage) -> None:
    r"""What one session adds, all may add no more; what one expunges, all may.

    A move within the account needs no room, since nothing is added by it.
    """
    await stage.play(
        r"""
        A1: CREATE Old
        B delivers: one
        """
    )
    await limit(stage, Quota(messages=2))
    await stage.play(
        r"""
        A1: GETQUOTAROOT INBOX
            * QUOTAROOT INBOX ""
            * QUOTA "" (MESSAGE 1 2)
            OK
        B delivers: two
        A1: SELECT INBOX
            ...
            OK
        B1: GETQUOTA ""
            * QUOTA "" (MESSAGE 2 2)
            OK
        A1: COPY 1 Old
            NO [OVERQUOTA] ...
        """
    )
    other = await stage.client("B1")
    *_, end = await other.command(b"APPEND Old {2+}\r\nhi")
    assert end.startswith(b"NO [OVERQUOTA]")
    await stage.play(
        r"""
        A1: MOVE 1 Old
            * OK [COPYUID ...
            * 1 EXPUNGE
            OK
        B1: GETQUOTA ""
            * QUOTA "" (MESSAGE 2 2)
            OK
        """
    )
    with pytest.raises(QuotaExceeded):
        await stage.play("B delivers: three")
    await stage.play(
        r"""
        B1: SELECT Old
            ...
            OK
        B1: STORE 1 +FLAGS.SILENT (\Deleted)
            OK
        B1: EXPUNGE
            * 1 EXPUNGE
            OK
        B delivers: three
        A1: NOOP
            * 2 EXISTS
            OK
        A1: GETQUOTA ""
            * QUOTA "" (MESSAGE 2 2)
            OK
        """
    )


async def test_a_quota_comes_and_goes_under_a_session(stage: Stage) -> None:
    """What the administrator sets holds for sessions that are there, at once.

    Who holds more than he may keeps it, and may go on to read and to expunge.
    """
    await stage.play(
        r"""
        B delivers: one
        B delivers: two
        A1: SELECT INBOX
            ...
            OK
        A1: GETQUOTAROOT INBOX
            * QUOTAROOT INBOX
            OK
        """
    )
    await limit(stage, Quota(messages=1))
    await stage.play(
        r"""
        A1: GETQUOTA ""
            * QUOTA "" (MESSAGE 2 1)
            OK
        A1: COPY 1 INBOX
            NO [OVERQUOTA] ...
        A1: FETCH 2 BODY.PEEK[TEXT]
            * 2 FETCH (BODY[TEXT] {5}\r\ntwo\r\n)
            OK
        A1: STORE 1:2 +FLAGS.SILENT (\Deleted)
            OK
        A1: EXPUNGE
            * 2 EXPUNGE
            * 1 EXPUNGE
            OK
        B delivers: three
        A1: NOOP
            * 1 EXISTS
            OK
        """
    )
    with pytest.raises(QuotaExceeded):
        await stage.play("B delivers: four")
    await limit(stage, NO_QUOTA)
    await stage.play(
        r"""
        B delivers: four
        A1: GETQUOTA ""
            NO [NONEXISTENT] ...
        """
    )
