"""What a client is told of names: RFC 5465 §5.4, §5.5."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from imapbox.imap.known_tree import Affected, KnownTree
from imapbox.mailbox.values import Listed
from imapbox.model.names import MailboxName, parents
from imapbox.wire.imap.commands.notify import Event

NAMES = ("INBOX", "a", "a/b", "a/b/c", "d", "d/b")
TREES = st.dictionaries(st.sampled_from(range(5)), st.sampled_from(NAMES)).filter(
    lambda tree: len(set(tree.values())) == len(tree)
)
SUBSCRIBED = st.sets(st.sampled_from(NAMES))


def listed(tree: Mapping[int, str], subscribed: set[str]) -> list[Listed]:
    names = {MailboxName(name): key for key, name in tree.items()}
    above = {parent for name in names for parent in parents(name)}
    return [
        Listed(
            MailboxName(name),
            subscribed=name in subscribed,
            exists=name in names,
            has_children=name in above,
            mailbox_id=bytes([names[name]]) if name in names else None,
        )
        for name in {*names, *above, *map(MailboxName, subscribed)}
    ]


def test_children_go_along() -> None:
    """Of names that are renamed together only the uppermost is told."""
    tree = KnownTree(listed({0: "a", 1: "a/b", 2: "d"}, set()))
    assert tree.learn(listed({0: "x", 1: "x/b", 2: "d"}, set())) == [
        Affected(MailboxName("x"), Event.MAILBOX_NAME, MailboxName("a"))
    ]


@given(TREES, SUBSCRIBED, TREES, SUBSCRIBED)
def test_a_client_ends_up_where_we_are(
    before: dict[int, str],
    was_subscribed: set[str],
    after: dict[int, str],
    subscribed: set[str],
) -> None:
    """A client that looks again at the names it is told of knows all names."""
    tree = KnownTree(listed(before, was_subscribed))
    now = {each.name: each for each in listed(after, subscribed)}
    client = {each.name: each for each in listed(before, was_subscribed)}
    for name, _, old_name in tree.learn(list(now.values())):
        if old_name is not None:
            # What is below goes along.
            moved = [
                each for each in client if each == old_name or old_name in parents(each)
            ]
            for each in moved:
                row = client.pop(each)
                to = MailboxName(name + each[len(old_name) :])
                if to in now and now[to].mailbox_id == row.mailbox_id:
                    client[to] = now[to]
                if each in now:
                    client[each] = now[each]  # a subscription stays
        client.pop(name, None)
        if name in now:
            client[name] = now[name]
    exist = {name for name, each in client.items() if each.exists}
    assert exist >= {name for name, each in now.items() if each.exists}
    assert {name for name, each in client.items() if each.subscribed} >= subscribed
    assert tree.learn(list(now.values())) == []
