import numpy as np

from imapbox.index.graves import GRACE, GRAVES, LIMIT, Graves
from imapbox.index.punched import Punched
from tests.unit.index.mail_log import MailLog, incoming, place_of, simulated


def test_a_grave_is_where_the_body_was() -> None:
    """Who was expunged, where body and card lie, and since when."""
    log = MailLog(simulated(), segment_limit=400).make()
    for number in range(4):
        log.append(incoming(bytes(100 + number)))
    places = {uid: place_of(log.state(), uid) for uid in (2, 3)}
    log.files.disk.advance_clock(5)
    log.expunge([2, 3])
    now = int(log.files.now() * 1_000_000)
    found = log.state().graves.each()
    assert [grave.uid for grave in found] == [2, 3]
    for grave in found:
        place = places[grave.uid]
        card = place.offset - grave.offset
        assert grave.segment == place.segment
        assert card >= 0
        assert grave.size == place.size + card
        assert grave.time == now
    assert log.state().graves.since(now - 1).tolist() == [tuple(g) for g in found]
    assert not len(log.state().graves.since(now))


def test_graves_are_forgotten_once_grace_is_over() -> None:
    """What is remembered is a day's expunges, and a bounded number of older ones."""
    graves = Graves()
    for number in range(300):
        some = np.zeros(1000, GRAVES)
        some["uid"] = number
        graves.add(some, number * GRACE // 10)
    assert len(graves.now) <= 2 * LIMIT
    newest = 299 * GRACE // 10
    kept = graves.since(newest - GRACE)["uid"].tolist()
    assert kept == [number for number in range(290, 300) for _ in range(1000)]


def test_what_was_punched_is_forgotten() -> None:
    """Up to a time, and before a segment."""
    graves = Graves()
    for time in (10, 20, 30):
        some = np.zeros(3, GRAVES)
        some["segment"] = 1, 2, 3
        graves.add(some, time)
    graves.forget(Punched(20, 3))
    left = [(grave.time, grave.segment) for grave in graves.each()]
    assert left == [(10, 3), (20, 3), (30, 1), (30, 2), (30, 3)]


def test_a_snapshot_s_graves_take_no_more_of_nothing() -> None:
    """What was loaded is nobody's to write to, not even no record."""
    graves = Graves()
    loaded = np.frombuffer(bytes(3 * GRAVES.itemsize), GRAVES)
    graves.load(loaded)
    graves.add(np.zeros(0, GRAVES), 5)
    assert graves.now.tolist() == loaded.tolist()
    graves.add(np.zeros(1, GRAVES), 5)
    assert len(graves.now) == 4
