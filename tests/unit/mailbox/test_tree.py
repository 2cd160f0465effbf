"""The names that a LIST shows."""

from hypothesis import given
from hypothesis import strategies as st

from imapbox.index.account_operations import Create
from imapbox.mailbox.tree import Branch, FewNames, Tree
from imapbox.mailbox.values import Listed
from imapbox.model.names import MailboxName, is_below, parents, tree_order
from imapbox.model.rights import named_rights

# Some sort between a name and those below it by their characters; some are as others'.
NAMES = st.sampled_from(
    (
        *("INBOX", "INBOX/a", "INBOXES", "A", "a", "a b", "a/b", "a-b/c", "a/b/c", "é"),
        *("Other Users", "Other Users/bob", "Other Users/bob/a", "Other Users/bob/x/y"),
    )
)
BOBS = st.sampled_from(("INBOX", "INBOX/a", "a", "a/b", "a b", "x/y/z"))
LETTERS = st.sampled_from(("", "r", "l", "lr"))


def branch(prefix: str, rights: dict[str, str]) -> Branch:
    return Branch(
        prefix,
        sorted(
            (Create(name.encode(), 1, MailboxName(name)) for name in rights),
            key=lambda one: tree_order(one.name),
        ),
        lambda one: named_rights(rights[one.name]),
        is_personal=not prefix,
    )


@given(st.sets(NAMES), st.sets(NAMES), st.dictionaries(BOBS, LETTERS))
def test_names_are_listed(
    own: set[str], wanted: set[str], bobs: dict[str, str]
) -> None:
    """Each name is listed once, before those below it, with what is so of it.

    Names are those of one's mailboxes, of others' that one may see, of the levels
    above them, and what is subscribed. What is one's own hides others'.
    """
    tree = Tree(
        sorted(map(MailboxName, wanted), key=tree_order),
        branch("", dict.fromkeys(own, "l")),
        branch("Other Users/bob/", bobs),
    )
    seen = {f"Other Users/bob/{one}" for one, may in bobs.items() if "l" in may} - own
    walked = [each for each in tree.walk() if each is not None]
    names = [each.name for each in walked]
    assert names == sorted(set(names), key=tree_order)
    there = own | seen
    levels = {above for name in there | wanted for above in parents(MailboxName(name))}
    assert set(names) == there | wanted | levels
    for each in walked:
        assert each.exists == (each.name in there)
        assert each.subscribed == (each.name in wanted)
        assert each.has_children == any(is_below(other, each.name) for other in there)
        assert each.is_personal == (each.name not in seen)
    assert "INBOX" not in names[1:]
    assert {each.name for each in tree} == {
        each.name
        for each in walked
        if each.exists or each.has_children or each.subscribed
    }
    # Who lists them at once says the same.
    few = FewNames(walked[::-1])
    assert list(few.walk()) == walked
    assert list(few.subscribed) == list(tree.subscribed)


def test_rights_are_those_of_the_moment() -> None:
    """What others let one see is looked at when it is told."""
    rights = {"a": "lr", "b": "lr", "c": "lr"}
    walk = Tree((), branch("", {}), branch("x/", rights)).walk()
    assert next(walk) == Listed(
        MailboxName("x"), subscribed=False, exists=False, has_children=True
    )
    rights["c"] = ""
    assert [each and each.name for each in walk] == ["x/a", None, "x/b"]
