"""The soak's own eyes: what is lost, doubled, left over or grows is seen."""

from pathlib import Path

import pytest

from imapbox.index.head import NO_COUNTS, Head, Position
from tests.kills.facts import NEW, NONE, Facts
from tests.soak.facts_seen import compare
from tests.soak.figures import MIB, slope
from tests.soak.ledger import Key, Ledger
from tests.soak.leftovers import leftovers, shed

ONE = Key("ana", 1, 1)
TWO = Key("ana", 1, 2)
COPY = Key("ana", 2, 1)


@pytest.fixture
def ledger() -> Ledger:
    """One message was delivered, another perhaps."""
    ledger = Ledger()
    ledger.tries("ana", "one")
    ledger.has("ana", "one")
    ledger.tries("ana", "two")
    return ledger


def test_what_was_answered_must_be_there(ledger: Ledger) -> None:
    """An answered message must be there; one that was not answered may be."""
    ledger.compare({ONE: "one"})
    ledger.compare({ONE: "one", TWO: "two"})
    with pytest.raises(AssertionError, match="lost"):
        ledger.compare({TWO: "two"})


def test_nothing_may_be_there_twice(ledger: Ledger) -> None:
    """A message that was delivered once may be there once, answered or not."""
    with pytest.raises(AssertionError, match="twice"):
        ledger.compare({ONE: "one", TWO: "one"})
    with pytest.raises(AssertionError, match="twice"):
        ledger.compare({ONE: "one", TWO: "two", COPY: "two"})


def test_what_is_removed_may_be_gone_and_then_must_be(ledger: Ledger) -> None:
    """While it is being removed it may be there; afterwards it must be gone."""
    ledger.found("ana", 1, {1: "one"})
    ledger.dooms([ONE])
    ledger.compare({ONE: "one"})
    ledger.compare({})
    ledger.removed([ONE])
    ledger.compare({})
    with pytest.raises(AssertionError, match="back"):
        ledger.compare({ONE: "one"})
    with pytest.raises(AssertionError, match="twice"):
        ledger.compare({TWO: "one"})


def test_a_copy_counts_for_itself(ledger: Ledger) -> None:
    """Of a message and its copy one is left when the other was removed."""
    ledger.found("ana", 1, {1: "one"})
    ledger.tries("ana", "one")
    ledger.has_copy("one", ONE, COPY)
    ledger.compare({ONE: "one", COPY: "one"})
    ledger.removed([ONE])
    ledger.compare({COPY: "one"})
    with pytest.raises(AssertionError, match="lost"):
        ledger.compare({})


def test_a_copy_of_a_doomed_message_is_doomed(ledger: Ledger) -> None:
    """What was copied with its \\Deleted may be expunged by anybody."""
    ledger.found("ana", 1, {1: "one"})
    ledger.dooms([ONE])
    ledger.tries("ana", "one")
    ledger.has_copy("one", ONE, COPY)
    ledger.compare({})


def test_a_uid_has_one_message(ledger: Ledger) -> None:
    """Whoever is told of another message under a known UID says so."""
    ledger.found("ana", 1, {1: "one"})
    with pytest.raises(AssertionError, match="again"):
        ledger.found("ana", 1, {1: "two"})
    with pytest.raises(AssertionError, match="another"):
        ledger.compare({ONE: "two", TWO: "one"})


def test_a_fact_is_what_was_answered() -> None:
    """A fact is what was answered last, or else what was tried since."""
    facts = Facts()
    facts.tries("note.c1", "one")
    facts.compare({"note.c1": NONE})
    facts.has("note.c1")
    with pytest.raises(AssertionError, match="one"):
        facts.compare({"note.c1": NONE})
    facts.tries("note.c1", "two")
    facts.tries("note.c1", "three")
    facts.compare({"note.c1": "two"})
    facts.compare({"note.c1": "three"})
    with pytest.raises(AssertionError, match="two"):
        facts.compare({"note.c1": "two"})
    with pytest.raises(AssertionError, match="three"):
        compare(facts, {})


def test_a_key_that_was_reset_never_comes_back() -> None:
    """A key stays until it is reset, and is another one from then on."""
    facts = Facts()
    facts.compare({"key.c1": "a"})
    with pytest.raises(AssertionError, match="key"):
        facts.compare({"key.c1": "b"})
    facts.tries("key.c1", NEW)
    facts.compare({"key.c1": "a"})
    facts.has("key.c1")
    with pytest.raises(AssertionError, match="key"):
        facts.compare({"key.c1": "a"})
    facts.compare({"key.c1": "b"})


def test_both_sides_see_the_same_rights() -> None:
    """Who was given rights has them, and nobody else."""
    facts = Facts()
    for letters in ("lr", "l"):
        facts.tries("rights.ana.bob", letters)
    compare(facts, {"rights.ana.bob": "l", "guest.ana.bob": "l"})
    for other in (
        {},
        {"guest.ana.bob": "lr"},
        {"guest.ana.bob": "l", "guest.a.b": "l"},
    ):
        with pytest.raises(AssertionError, match="neighbours"):
            compare(facts, {"rights.ana.bob": "l", **other})


def test_a_slope_is_told_in_mebibytes_an_hour() -> None:
    """Ten octets a second are as many MiB an hour as they are, whatever the noise."""
    points = [(float(second), 10 * second + second % 2) for second in range(1000)]
    assert slope(points) == pytest.approx(36_000 / MIB, rel=0.01)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store of one empty mailbox."""
    mailbox = tmp_path / "users" / "a4" / "ana" / "mailboxes" / ("0" * 32)
    mailbox.mkdir(parents=True)
    (tmp_path / "imapbox-store").touch()
    for name in ("lock", "log.3", "snap.3.100.0123abcd", "log.2.cut.1"):
        (mailbox / name).touch()
    head = Head(0, Position(3, 64, 0, 0), NO_COUNTS)
    (mailbox / "head").write_bytes(head.encode())
    return tmp_path


def test_a_store_that_is_tidy(store: Path) -> None:
    """What docs/formats knows may be there."""
    assert list(leftovers(store)) == []


@pytest.mark.parametrize(
    "path",
    [
        "spool/123",
        "users/a4/ana/new",
        "users/a4/ana/mailboxes/x/log.1",
        f"users/a4/ana/mailboxes/{'0' * 32}/head.new",
        f"users/a4/ana/mailboxes/{'0' * 32}/damaged",
    ],
)
def test_any_other_file_is_left_over(store: Path, path: str) -> None:
    """A file that nothing explains is named."""
    (store / path).parent.mkdir(exist_ok=True)
    (store / path).touch()
    assert list(leftovers(store)) == [f"{path}: 1"]


def test_segments_that_an_account_did_not_give_back_are_left_over(store: Path) -> None:
    """Of an account's log one more segment than are kept is what a kill may leave."""
    account = store / "users" / "a4" / "ana" / "account"
    account.mkdir()
    for number in range(2, 5):
        (account / f"log.{number}").touch()
    assert list(leftovers(store)) == []
    assert shed(store) == 1
    (account / "log.1").touch()
    assert [each.partition(": ")[2] for each in leftovers(store)] == ["4"]
    assert shed(store) == 0


def test_a_log_that_keeps_what_is_gone_is_left_over(store: Path) -> None:
    """A log that takes much more than what lives in it is named."""
    (log,) = store.rglob("log.3")
    log.write_bytes(bytes(4 * MIB))
    (told,) = leftovers(store)
    assert told.endswith("octets for 0 that live")
