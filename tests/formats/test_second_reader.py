"""Two readers that have never met agree on every log."""

import hashlib
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imapbox.index.account_operations import (
    NO_MAILBOX,
    AccountMeta,
    Create,
    Delete,
    Rename,
    Subscribe,
    Unsubscribe,
)
from imapbox.index.account_state import AccountState, ChangeAccount
from imapbox.index.inherited_keys import inherit_keys
from imapbox.index.mailbox_state import MailboxState
from imapbox.index.mailbox_transactions import AppendMessages, SetFlags, SetMeta
from imapbox.index.remembered_keys import (
    NO_KEY,
    NO_UID,
    RECORD,
    RememberedKeys,
)
from imapbox.model.flags import Flag, FlagChange
from imapbox.model.message import InternalDate
from tests.formats import second_reader
from tests.unit.index.mail_log import (
    DIRECTORY,
    AccountLog,
    MailLog,
    incoming,
    known_of,
    place_of,
    row_of,
    simulated,
)

GOLDEN: Final = Path(__file__).parent / "golden"

flags = st.integers(0, 31).map(Flag)
keywords = st.frozensets(
    st.sampled_from([f"k{n}" for n in range(80)] + ["$Work"]), max_size=3
)
dates = st.none() | st.builds(
    InternalDate, st.integers(-(2**40), 2**40), st.integers(-1439, 1439)
)
messages = st.builds(
    lambda octets, flags, keywords, header, date, card, key: incoming(
        octets, flags, keywords, header=header, date=date, card=card
    )._replace(key=key),
    st.binary(max_size=60),
    flags,
    keywords,
    st.binary(max_size=20),
    dates,
    st.binary(max_size=20),
    st.sampled_from([NO_KEY, *(bytes([n]) * 16 for n in range(1, 9))]),
)
uids = st.sets(st.integers(1, 20))
steps = st.one_of(
    st.tuples(st.just("append"), st.lists(messages, min_size=1, max_size=3)),
    st.tuples(
        st.just("flags"), uids, st.sampled_from(list(FlagChange)), flags, keywords
    ),
    st.tuples(st.just("expunge"), uids),
    st.tuples(st.just("relocate"), uids),
    st.tuples(
        st.just("meta"), st.sampled_from(["a", "recentuid"]), st.binary(max_size=9)
    ),
    st.tuples(st.just("two"), st.lists(messages, min_size=1, max_size=2), uids),
    st.tuples(st.just("inherit"), st.sampled_from([bytes([n]) * 16 for n in (1, 9)])),
)


def mailbox_with(history: list[tuple[Any, ...]], limit: int) -> MailLog:
    """Return a log to which these things happened."""
    log = MailLog(simulated(), segment_limit=limit).make()
    for step in history:
        match step:
            case ("append", news):
                log.append(*news)
            case ("flags", which, what, system, names):
                log.set_flags(which, what, system, names)
            case ("expunge", which):
                log.expunge(which)
            case ("relocate", which):
                log.relocate(which)
            case ("meta", name, value):
                log.commit(SetMeta(name, value))
            case ("inherit", key):
                keys = RememberedKeys()
                keys.add(key, NO_UID, int(log.files.now() * 1_000_000))
                log.run(inherit_keys(DIRECTORY, keys, log.settings))
            case ("two", news, which):
                known = known_of(log.state(), which)
                log.commit_all(
                    AppendMessages(
                        [one._replace(keywords=frozenset()) for one in news]
                    ),
                    SetFlags(known, FlagChange.ADD, Flag.SEEN, frozenset({"later"})),
                )
    return log


def assert_mailboxes_agree(
    state: MailboxState, mailbox: second_reader.Mailbox, bodies: Mapping[int, bytes]
) -> None:
    """Compare what imapbox makes of a log with what the second reader does."""
    columns = state.columns
    assert state.roll.now.tolist() == list(mailbox.messages)
    for uid, message in mailbox.messages.items():
        row = row_of(state, uid)
        names = ("flags", "modseq", "date", "zone", "savedate")
        assert [int(columns[name][row]) for name in names] == [
            message.flags,
            message.modseq,
            message.date,
            message.zone,
            message.savedate,
        ]
        assert columns.keywords_of(row) == message.keywords
        assert bytes(columns["emailid"][row]) == message.emailid
        assert bodies[uid] == message.octets
        place = place_of(state, uid)
        assert (place.size, place.card_size) == (len(message.octets), len(message.card))
        assert place.card_crc == zlib.crc32(message.card)
    facts = state.facts
    assert facts.mailbox_id == mailbox.mailbox_id
    assert facts.keywords == mailbox.keywords
    assert facts.meta == mailbox.meta
    keys = {key: (uid, at) for key, uid, at in RECORD.iter_unpack(facts.keys.records())}
    assert keys == mailbox.keys
    last = mailbox.last
    assert last is not None
    assert state.counts == (
        last.modseq,
        last.uidnext,
        last.exists,
        last.unseen,
        last.uidvalidity,
        last.live,
    )


@given(st.lists(steps, min_size=4, max_size=12), st.sampled_from([600, 2000, 2**26]))
def test_readers_agree_on_mailboxes(history: list[Any], limit: int) -> None:
    """Whatever happened to a mailbox, the second reader finds what imapbox finds."""
    log = mailbox_with(history, limit)
    state = log.state()
    head, mailbox = second_reader.read_mailbox(log.contents())
    assert head.segment == state.position.segment
    assert_mailboxes_agree(state, mailbox, log.bodies(state))


@given(st.lists(steps, min_size=4, max_size=12), st.sampled_from([600, 2**26]))
def test_readers_agree_on_snapshots(history: list[Any], limit: int) -> None:
    """Of any mailbox imapbox saves what the second reader finds in its log."""
    log = mailbox_with(history, limit)
    state = log.state()
    snapshot = second_reader.read_snapshot(log.read(log.snapshot()))
    files = {name: data for name, data in log.contents().items() if name[:4] != "snap"}
    _, mailbox = second_reader.read_mailbox(files)
    assert list(snapshot.rows) == list(mailbox.messages)
    for uid, message in mailbox.messages.items():
        row = snapshot.rows[uid]
        fields = ("flags", "keywords", "modseq", "date", "zone", "savedate", "emailid")
        assert {name: row[name] for name in fields} == {
            name: getattr(message, name) for name in fields
        }
        start, size = row["offset"], row["size"]
        octets = files[f"log.{row['segment']}"]
        assert octets[start : start + size] == message.octets
        assert octets[start - row["card_size"] : start] == message.card
    last = mailbox.last
    assert last is not None
    for name in ("modseq", "uidnext", "exists", "unseen", "uidvalidity", "live"):
        assert getattr(snapshot, name) == getattr(last, name)
    assert snapshot.segment == state.position.segment
    assert snapshot.vanished == state.vanished.now.tolist()
    assert snapshot.graves == state.graves.now.tolist()


names = st.sampled_from(["INBOX", "a", "a/b", "Café", "日本"])
changes = st.tuples(
    st.sampled_from(["create", "rename", "delete", "subscribe", "unsubscribe", "note"]),
    names,
    names,
    st.sampled_from(["", "\\Sent"]),
)


def decision(
    number: int, change: tuple[str, str, str, str]
) -> Callable[[AccountState], list[Any]]:
    """Return the operations that a change is, if it can be made."""
    what, name, other, use = change

    def decide(state: AccountState) -> list[Any]:
        mailbox = state.names.get(name)
        if what == "create" and mailbox is None:
            mailbox_id = hashlib.md5(b"%d" % number).digest()  # noqa: S324 - an id
            return [Create(mailbox_id, 100 + number % 7, name, use)]
        if what == "rename" and mailbox is not None and other not in state.names:
            return [Rename(mailbox.mailbox_id, other)]
        if what == "delete" and mailbox is not None:
            return [Delete(mailbox.mailbox_id)]
        if what == "note":
            mailbox_id = mailbox.mailbox_id if mailbox else NO_MAILBOX
            return [AccountMeta(mailbox_id, other, use.encode())]
        if what == "subscribe":
            return [Subscribe(name)]
        return [Unsubscribe(name)] if what == "unsubscribe" else []

    return decide


@given(st.lists(changes, min_size=8, max_size=25), st.sampled_from([600, 2**26]))
def test_readers_agree_on_accounts(history: list[Any], limit: int) -> None:
    """Whatever happened to an account, the second reader finds what imapbox finds."""
    log = AccountLog(simulated(), segment_limit=limit).make()
    for number, change in enumerate(history):
        state = log.state()
        transaction = ChangeAccount(state, decision(number, change))
        (log.note if change[0] == "note" else log.commit)(transaction)
    assert_accounts_agree(log.state(), log.contents())


def assert_accounts_agree(state: AccountState, files: Mapping[str, bytes]) -> None:
    account = second_reader.Account()
    _, last = second_reader.read_log(files, account.apply)
    assert {
        mailbox_id: (mailbox.uidvalidity, mailbox.name, mailbox.special_use)
        for mailbox_id, mailbox in state.mailboxes.items()
    } == account.mailboxes
    assert {name: one.mailbox_id for name, one in state.names.items()} == {
        entry.name: mailbox_id for mailbox_id, entry in account.mailboxes.items()
    }
    assert state.deleted == account.deleted
    assert state.subscribed == account.subscribed
    assert state.meta.keys() == {mailbox_id for mailbox_id, _ in account.meta}
    assert account.meta == {
        (mailbox_id, name): value
        for mailbox_id, facts in state.meta.items()
        for name, value in facts.items()
    }
    assert state.highest_uidvalidity == account.highest_uidvalidity
    assert state.counts.modseq == last.modseq


HISTORY: Final = [
    ("append", [incoming(b"first", Flag.SEEN, ["$Work"], date=InternalDate(5, -90))]),
    ("append", [incoming(b"second", card=b"card"), incoming(b"third", header=b"")]),
    ("flags", {1, 3}, FlagChange.ADD, Flag.FLAGGED, frozenset({"todo"})),
    ("expunge", {2}),
    ("meta", "recentuid", b"\3"),
    ("flags", {3}, FlagChange.REPLACE, Flag.SEEN, frozenset({"$work"})),
    ("append", [incoming(b"fourth", card=b"another")]),
]
ACCOUNT_HISTORY: Final = [
    ("create", "INBOX", "", ""),
    ("create", "Café", "", "\\Sent"),
    ("create", "a", "", ""),
    ("subscribe", "INBOX", "", ""),
    ("rename", "Café", "a/b", ""),
    ("delete", "a", "", ""),
]


def golden_mailbox() -> MailLog:
    return mailbox_with(HISTORY, 900)


def golden_account() -> AccountLog:
    log = AccountLog(simulated(), segment_limit=500).make()
    for number, change in enumerate(ACCOUNT_HISTORY):
        log.commit(ChangeAccount(log.state(), decision(number, change)))
    return log


def as_hex(data: bytes) -> str:
    """Return a file as text, the zeros at its end left out."""
    lines = [data[at : at + 32].hex() for at in range(0, len(data.rstrip(b"\0")), 32)]
    return "".join(f"{line}\n" for line in lines)


@pytest.mark.parametrize(
    ("kind", "make"), [("mailbox", golden_mailbox), ("account", golden_account)]
)
def test_the_format_is_the_golden_one(kind: str, make: Callable[[], Any]) -> None:
    """The same history makes the same bytes as when the golden files were made.

    A change of the format must change these files, and needs a decision page.
    """
    made = make().contents()
    assert len(made) >= 3, "more than one segment"
    assert {path.stem for path in (GOLDEN / kind).glob("*.hex")} == set(made)
    for name, data in made.items():
        assert as_hex(data) == (GOLDEN / kind / f"{name}.hex").read_text(), name


@pytest.mark.parametrize("kind", ["mailbox", "account"])
def test_golden_files_can_be_read(kind: str) -> None:
    """Both readers read a store that an imapbox of this format once wrote."""
    log = (MailLog if kind == "mailbox" else AccountLog)(simulated())
    log.files.make_directory("m")
    log.write("lock", bytes(4096))
    for path in sorted((GOLDEN / kind).glob("*.hex")):
        log.write(path.stem, bytes.fromhex(path.read_text()))
    state = log.state()
    if kind == "account":
        assert sorted(state.names) == ["INBOX", "a/b"]
        assert_accounts_agree(state, log.contents())
        return
    _, mailbox = second_reader.read_mailbox(log.contents())
    assert_mailboxes_agree(state, mailbox, log.bodies(state))
    assert sorted(mailbox.messages) == [1, 3, 4]
    assert mailbox.messages[3].flags == Flag.SEEN
    assert log.append() == [5], "and imapbox goes on in it"


@pytest.mark.parametrize("name", ["head", "log.1", "log.2"])
def test_the_second_reader_sees_every_flipped_bit(name: str) -> None:
    """No bit of head or log can change unseen: the pages leave nothing unchecked."""
    files = golden_mailbox().contents()
    head = second_reader.read_head(files["head"])
    size = head.offset if name == "log.2" else len(files[name].rstrip(b"\0"))
    for at in range(size):
        damaged = bytearray(files[name])
        damaged[at] ^= 1 << at % 8
        with pytest.raises((second_reader.Wrong, KeyError)):
            second_reader.read_mailbox({**files, name: bytes(damaged)})


def test_the_second_reader_sees_every_flipped_bit_of_a_snapshot() -> None:
    """No bit of a snapshot can change unseen but in the zeros between its parts."""
    log = golden_mailbox()
    data = log.read(log.snapshot())
    wanted = second_reader.read_snapshot(data)
    unseen = 0
    for at in range(len(data)):
        damaged = bytearray(data)
        damaged[at] ^= 1 << at % 8
        try:
            found = second_reader.read_snapshot(bytes(damaged))
        except second_reader.Wrong:
            continue
        assert found == wanted
        assert not data[at]
        unseen += 1
    assert unseen < len(data) * 2 // 3
