import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imapbox.index.account_operations import (
    AccountBase,
    AccountMeta,
    Create,
    Delete,
    Rename,
    Subscribe,
    Unsubscribe,
    decode_account_operations,
)
from imapbox.index.encoding import (
    DamagedOperations,
    Encoded,
    Kind,
    join_operations,
    ranges_of,
)
from imapbox.index.operations import (
    Append,
    Base,
    Expunge,
    Flags,
    Keyword,
    Meta,
    Relocate,
    Switch,
    decode_operations,
)
from imapbox.index.remembered_keys import RECORD

u16 = st.integers(0, 2**16 - 1)
u32 = st.integers(0, 2**32 - 1)
u64 = st.integers(0, 2**64 - 1)
i16 = st.integers(-(2**15), 2**15 - 1)
i64 = st.integers(-(2**63), 2**63 - 1)
ids = st.binary(min_size=16, max_size=16)
texts = st.text(st.characters(codec="utf-8"), max_size=20)
masks = st.integers(0, 2**256 - 1)
ranges = st.sets(u32, max_size=10).map(sorted).map(ranges_of)
mailboxes = st.builds(Create, ids, u32, texts, texts)

appends = st.builds(
    Append,
    u32,
    u32,
    masks,
    i64,
    i16,
    i64,
    u64,
    u32,
    u32,
    u32,
    ids,
    ids,
    u32,
    u32,
)
mailbox_operations = st.one_of(
    st.builds(
        Base,
        ids,
        u32,
        u32,
        u64,
        u64,
        st.lists(texts).map(tuple),
        st.dictionaries(texts, st.binary(max_size=20)),
        st.lists(st.builds(RECORD.pack, ids, u32, u64)).map(b"".join),
    ),
    st.builds(Switch, u32, u32),
    appends,
    st.builds(Relocate, u64, appends),
    st.builds(Flags, ranges, u32, u32, masks, masks),
    st.builds(Keyword, texts),
    st.builds(Expunge, ranges),
    st.builds(Meta, texts, st.binary(max_size=20)),
)
facts = st.builds(AccountMeta, ids, texts, st.binary(max_size=20))
account_operations = st.one_of(
    st.builds(
        AccountBase,
        u32,
        st.lists(mailboxes).map(tuple),
        st.lists(st.tuples(ids, u64)).map(tuple),
        st.lists(texts).map(tuple),
        st.lists(facts, max_size=2).map(tuple),
    ),
    facts,
    mailboxes,
    st.builds(Rename, ids, texts),
    st.builds(Delete, ids),
    st.builds(Subscribe, texts),
    st.builds(Unsubscribe, texts),
    st.builds(Switch, u32, u32),
)


@given(st.lists(mailbox_operations, max_size=4))
def test_mailbox_operations_come_back(operations: list) -> None:
    """A mailbox's operations are read as they were written, in their order."""
    data = join_operations(operation.encode() for operation in operations)
    found = decode_operations(data)
    assert found == operations
    assert list(map(type, found)) == list(map(type, operations))


@given(st.lists(account_operations, max_size=4))
def test_account_operations_come_back(operations: list) -> None:
    """An account's operations are read as they were written, in their order."""
    data = join_operations(operation.encode() for operation in operations)
    found = decode_account_operations(data)
    assert found == operations
    assert list(map(type, found)) == list(map(type, operations))


@given(mailbox_operations)
def test_a_cut_operation_is_damaged(operation: object) -> None:
    """An operation whose content ends too early is refused, never guessed."""
    kind, content = operation.encode()
    for cut in range(len(content)):
        with pytest.raises(DamagedOperations):
            decode_operations(join_operations([(kind, content[:cut])]))


@given(account_operations)
def test_a_cut_account_operation_is_damaged(operation: object) -> None:
    """The same holds for an account's; only facts may be left out as a whole."""
    kind, content = operation.encode()
    whole = [content]
    if isinstance(operation, AccountBase):
        whole.append(operation._replace(meta=()).encode().content)
    for cut in {*range(len(content))} - {*map(len, whole)}:
        with pytest.raises(DamagedOperations):
            decode_account_operations(join_operations([(kind, content[:cut])]))


@pytest.mark.parametrize("kind", [Kind.EXPUNGE, Kind.FLAGS])
def test_a_range_that_is_empty_is_damage(kind: Kind) -> None:
    """Ranges of uids go upwards; nobody wrote one that does not."""
    last_before_first = struct.pack("<III", 1, 9, 8)
    with pytest.raises(DamagedOperations):
        decode_operations(join_operations([Encoded(kind, last_before_first)]))


@given(mailbox_operations)
def test_kinds_of_the_two_logs_are_apart(operation: object) -> None:
    """A mailbox's operation in an account's log is damage; only SWITCH is both's."""
    data = join_operations([operation.encode()])
    if isinstance(operation, Switch):
        assert decode_account_operations(data) == [operation]
        return
    with pytest.raises(DamagedOperations):
        decode_account_operations(data)


@given(st.tuples(u32, u32, masks, masks), u32, masks)
def test_what_is_added_wins(
    change: tuple[int, int, int, int], flags: int, keywords: int
) -> None:
    """A flag or keyword that is both removed and added is there afterwards."""
    add, remove, add_keywords, remove_keywords = change
    flags, keywords = Flags((), *change).apply(flags, keywords)
    assert flags & add == add
    assert keywords & add_keywords == add_keywords
    assert not flags & remove & ~add
    assert not keywords & remove_keywords & ~add_keywords
