"""`imapbox repair`: a whole frame that makes no sense, which only a bug can write."""

import pytest

from imapbox.index.head import Head
from tests.simulation.repairing import look, mailbox_with, put
from tests.unit.index.test_settle import NO_SENSE, PAYLOADS, written_by_a_bug
from tests.unit.store.repairs import log_of, mended

COUNT = 6
WITHOUT_PAYLOAD = [each for each in NO_SENSE if each not in PAYLOADS]


@pytest.mark.parametrize("name", WITHOUT_PAYLOAD)
def test_a_whole_frame_without_sense_is_left_out(name: str) -> None:
    """All that came before it is there, and what it did nobody knows."""
    disk, account = mailbox_with(COUNT)
    before = look(disk, 90)
    head = Head.decode(disk.content(f"{account.directory}/head"))
    assert head is not None
    at, path = head.position, log_of(account)
    frame = written_by_a_bug(at, head.counts, NO_SENSE[name])
    put(disk, path, disk.content(path)[: at.offset] + frame)
    mended(disk, account.directory)
    assert {(each.uid, each.body) for each in look(disk, 91).messages} == {
        (each.uid, each.body) for each in before.messages
    }
