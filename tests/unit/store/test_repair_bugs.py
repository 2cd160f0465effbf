"""`imapbox repair`: a whole frame that makes no sense, which only a bug can write."""

import pytest

from imapbox.index.frame import FrameContent, encode_frame, encode_trailer
from imapbox.index.head import Head
from tests.simulation.repairing import look, mailbox_with
from tests.unit.index.test_settle import NO_SENSE
from tests.unit.store.test_repair import log_of, mended

COUNT = 6
WITHOUT_PAYLOAD = [each for each in NO_SENSE if "header" not in each]


@pytest.mark.parametrize("name", WITHOUT_PAYLOAD)
def test_a_whole_frame_without_sense_is_left_out(name: str) -> None:
    """All that came before it is there, and what it did nobody knows."""
    disk, account = mailbox_with(COUNT)
    before = look(disk, 90)
    head = Head.decode(disk.content(f"{account.directory}/head"))
    assert head is not None
    at, operations = head.position, NO_SENSE[name]
    content = FrameContent(head.counts, operations, 1, 0, 2**50, at.offset)
    octets, end = encode_frame(at, content)
    trailer = encode_trailer(end.chain, len(operations), 0, 2**50)
    path = log_of(account)
    disk.data[disk.names[path]] = disk.content(path)[: at.offset] + octets + trailer
    mended(disk, account.directory)
    assert {(each.uid, each.body) for each in look(disk, 91).messages} == {
        (each.uid, each.body) for each in before.messages
    }
