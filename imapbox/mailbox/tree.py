"""The names that a LIST shows, made one by one while they are told.

However many there are, and however slowly a client reads, it costs an account's
mailboxes and subscriptions as they were, in tuples that all sessions share which saw
the same ones, and the name that is being told. The levels above names, which need
not be mailboxes, are found from the order: see `tree_order`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Final, NamedTuple

from imapbox.index.account_operations import Create
from imapbox.mailbox.values import Listed
from imapbox.model.names import MailboxName, is_below, parents, tree_order
from imapbox.model.rights import NO_RIGHTS, Rights


class Names(ABC):
    """Names as they were when they were asked for; iterating yields them.

    Each comes before those below it, and INBOX first.

    Attributes:
        subscribed: Those that are subscribed, in the same order.
    """

    subscribed: Sequence[MailboxName]

    @abstractmethod
    def walk(self) -> Iterator[Listed | None]:
        """Yield all, and all levels above them; None where there is nothing to see.

        Who asks may pause after any of them.
        """

    def __iter__(self) -> Iterator[Listed]:
        """Yield those that are mailboxes, or above some, or subscribed."""
        for each in self.walk():
            if each and (each.exists or each.subscribed or each.has_children):
                yield each


class Branch(NamedTuple):
    """Mailboxes of one account.

    Attributes:
        prefix: What is before their names.
        mailboxes: All of them, in order.
        rights: Says what may be done with one; without "l" it is not seen.
        is_personal: Whether they are one's own.
    """

    prefix: str
    mailboxes: Sequence[Create]
    rights: Callable[[Create], Rights]
    is_personal: bool


class Tree(Names):
    """The names of somebody's account, and what he may see of others'.

    Args:
        subscribed: Names, in order; they need not exist.
        own: His mailboxes.
        others: Those of others, in the order of their prefixes. What he has by the
            same name himself hides theirs.
    """

    def __init__(
        self, subscribed: Sequence[MailboxName], own: Branch, *others: Branch
    ) -> None:
        self.subscribed = subscribed
        self._own = own
        self._others = others

    def walk(self) -> Iterator[Listed | None]:
        """See `Names`."""
        names, at = self.subscribed, 0
        before = MailboxName("")
        mailbox: _Seen | None = None
        # What is told of a name depends on the mailbox that follows it.
        for following in chain(self._mailboxes(), (_END,)):
            if following is None:
                yield None
                continue
            if mailbox is not None:
                before = mailbox.name
                subscribed = at < len(names) and names[at] == before
                at += subscribed
                yield mailbox.listed(following, subscribed=subscribed)
            place = following.place
            while at < len(names) and tree_order(names[at]) < place:
                for each in (*levels_between(before, names[at]), names[at]):
                    yield Listed(
                        each,
                        subscribed=each == names[at],
                        exists=False,
                        has_children=is_below(following.name, each),
                    )
                before = names[at]
                at += 1
            for each in levels_between(before, following.name):
                yield Listed(each, subscribed=False, exists=False, has_children=True)
            mailbox = following

    def _mailboxes(self) -> "Iterator[_Seen | None]":
        """Yield those that are seen, in order."""
        own = _seen(self._own)
        ahead = next(own, None)
        for each in chain.from_iterable(map(_seen, self._others)):
            if each is not None:
                place = each.place
                while ahead is not None and ahead.place < place:
                    yield ahead
                    ahead = next(own, None)
            if ahead is None or each is None or ahead.name != each.name:
                yield each
        if ahead is not None:
            yield ahead
        yield from own


class FewNames(Names):
    """Names that are all known.

    Args:
        listed: In any order; of the levels above them none need be there.
    """

    def __init__(self, listed: Iterable[Listed]) -> None:
        names = {each.name: each for each in listed}
        for name in tuple(names):
            for above in parents(name):
                level = Listed(
                    above, subscribed=False, exists=False, has_children=False
                )
                names.setdefault(above, level)
        self._listed = [names[name] for name in sorted(names, key=tree_order)]
        self.subscribed = [each.name for each in self._listed if each.subscribed]

    def walk(self) -> Iterator[Listed]:
        """See `Names`."""
        return iter(self._listed)


def levels_between(before: MailboxName, name: MailboxName) -> Iterator[MailboxName]:
    """Yield the levels above a name that are not told yet, the topmost first.

    Args:
        before: What was told just before, in `tree_order`; nothing, if it is empty.
        name: What follows it.
    """
    return (
        above
        for above in parents(name)
        if above != before and not is_below(before, above)
    )


class _Seen(NamedTuple):
    """A mailbox that somebody sees, by the name that it has for him."""

    name: MailboxName
    mailbox: Create | None
    rights: Rights
    is_personal: bool

    @property
    def place(self) -> str:
        return "\1" if self.mailbox is None else tree_order(self.name)

    def listed(self, following: "_Seen", *, subscribed: bool) -> Listed:
        use = self.mailbox.special_use if self.mailbox and self.is_personal else ""
        return Listed(
            self.name,
            subscribed=subscribed,
            exists=True,
            has_children=is_below(following.name, self.name),
            special_use=use or None,
            rights=self.rights,
            is_personal=self.is_personal,
            mailbox_id=self.mailbox and self.mailbox.mailbox_id,
        )


# Behind all others.
_END: Final = _Seen(MailboxName(""), None, NO_RIGHTS, is_personal=False)


def _seen(branch: Branch) -> Iterator[_Seen | None]:
    """Yield the mailboxes of an account, and None for those that are not seen."""
    for each in branch.mailboxes:
        rights = branch.rights(each)
        name = MailboxName(branch.prefix + each.name)
        seen = Rights.LOOKUP in rights
        yield _Seen(name, each, rights, branch.is_personal) if seen else None
