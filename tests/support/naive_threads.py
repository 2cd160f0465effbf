"""THREAD=REFERENCES as RFC 5256 §3 tells it, word for word, with objects.

Everything is in memory, and trees are walked by recursion. Messages are few.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Optional


@dataclass(frozen=True)
class Mail:
    """A message; its number is its place in the mailbox, from 0.

    Attributes:
        own: Its id.
        references: The ids before it.
        date: When it was sent.
        subject: The base of its subject.
        is_reply: Whether there was more of it.
    """

    own: str | None
    references: tuple[str, ...] = ()
    date: int = 0
    subject: str = ""
    is_reply: bool = False

    @property
    def header(self) -> bytes:
        """Its header, without an end."""
        # Hours apart, so that no date is the one of another.
        lines = [f"Date: 1 Jan 2001 {self.date:02}:00:00 +0000"]
        if self.own is not None:
            lines.append(f"Message-ID: <{self.own}@x>")
        if self.references:
            lines.append("References: " + " ".join(f"<{r}@x>" for r in self.references))
        if self.subject or self.is_reply:
            lines.append(f"Subject: {'Re: ' * self.is_reply}{self.subject}")
        return "\r\n".join(lines).encode()


@dataclass(eq=False)
class Node:
    """A message, or a dummy."""

    number: int | None = None
    mail: Mail | None = None
    parent: Optional["Node"] = None
    children: list["Node"] = field(default_factory=list)

    def descends_from(self, other: "Node") -> bool:
        node: Node | None = self
        while node is not None:
            if node is other:
                return True
            node = node.parent
        return False

    def unlink(self) -> None:
        if self.parent is not None:
            self.parent.children.remove(self)
            self.parent = None

    def adopt(self, child: "Node") -> None:
        child.unlink()
        child.parent = self
        self.children.append(child)

    @property
    def speaker(self) -> "Node":
        return self if self.mail else self.children[0]

    @property
    def order(self) -> tuple[int, int]:
        node = self.speaker
        assert node.mail is not None
        assert node.number is not None
        return node.mail.date, node.number

    @property
    def subject(self) -> str:
        assert self.speaker.mail is not None
        return self.speaker.mail.subject

    @property
    def is_reply(self) -> bool:
        return self.mail is not None and self.mail.is_reply


def by_references(mails: Sequence[Mail]) -> str:
    """The threads of all messages, as THREAD tells them, counted from 1."""
    root = Node()
    for node in _linked(mails):
        if node.parent is None:
            root.adopt(node)
    _prune(root, is_root=True)
    _sort(root.children)
    _gather(root)
    _sort(root.children)
    return "".join(map(_told, root.children))


def _linked(mails: Sequence[Mail]) -> Iterable[Node]:
    """Step 1."""
    known: dict[str, Node] = {}
    nodes: list[Node] = []
    own: list[Node] = []

    def node_of(each: str) -> Node:
        if each not in known:
            known[each] = Node()
            nodes.append(known[each])
        return known[each]

    for number, mail in enumerate(mails):
        node = node_of(mail.own) if mail.own is not None else Node()
        if node.mail is not None or mail.own is None:
            node = Node()
            nodes.append(node)
        node.number, node.mail = number, mail
        own.append(node)
    for node, mail in zip(own, mails, strict=True):
        before = [node_of(each) for each in mail.references]
        for above, below in pairwise(before):
            if below.parent is None and not above.descends_from(below):
                above.adopt(below)
        node.unlink()
        if before and not before[-1].descends_from(node):
            before[-1].adopt(node)
    return nodes


def _prune(node: Node, *, is_root: bool = False) -> None:
    """Step 3."""
    for child in list(node.children):
        _prune(child)
        if child.mail is None and (not is_root or len(child.children) <= 1):
            for grandchild in list(child.children):
                node.adopt(grandchild)
            child.unlink()


def _sort(nodes: list[Node]) -> None:
    """Steps 4 and 6."""
    for node in nodes:
        _sort(node.children)
    nodes.sort(key=lambda node: node.order)


def _gather(root: Node) -> None:
    """Step 5."""
    table: dict[str, Node] = {}
    for node in root.children:
        if node.subject:
            known = table.setdefault(node.subject, node)
            if known.mail and (not node.mail or (known.is_reply and not node.is_reply)):
                table[node.subject] = node
    for node in list(root.children):
        known = table.get(subject := node.subject, node)
        if known is node:
            continue
        if not known.mail and not node.mail:
            for child in list(node.children):
                known.adopt(child)
            node.unlink()
        elif not known.mail or (node.is_reply and not known.is_reply):
            known.adopt(node)
        else:
            dummy = Node()
            root.adopt(dummy)
            dummy.adopt(known)
            dummy.adopt(node)
            table[subject] = dummy


def _told(node: Node) -> str:
    return f"({_members(node)})"


def _members(node: Node) -> str:
    members = [] if node.number is None else [str(node.number + 1)]
    if len(node.children) == 1:
        members.append(_members(node.children[0]))
    elif node.children:
        members.append("".join(map(_told, node.children)))
    return " ".join(members)
