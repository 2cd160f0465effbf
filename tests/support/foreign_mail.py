"""Mailboxes of an application that is not ours, as bare as the interfaces allow."""

from collections.abc import Callable, Iterator
from email import message_from_bytes
from email.message import Message
from io import BytesIO
from typing import Any

from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.portal import IRealm, Portal
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.mail import imap4
from zope.interface import alsoProvides, implementer

from imapbox.foreign import ForeignLogins
from tests.support.imap_client import Client

DATE = "Tue, 14 Nov 2023 23:13:20 +0100"


class Part:
    """A part of a message, and no file."""

    def __init__(self, message: Message) -> None:
        self._message = message
        payload = "" if message.is_multipart() else message.get_payload()
        # The same file each time, wherever it was left.
        self._body = BytesIO(str(payload).encode())

    def getHeaders(self, negate: Any, *names: Any) -> dict[str, str]:  # noqa: N802 - Twisted's
        assert negate
        assert not names
        return {name.lower(): str(value) for name, value in self._message.items()}

    def getBodyFile(self) -> BytesIO:  # noqa: N802 - Twisted's
        return self._body

    def getSize(self) -> int:  # noqa: N802 - Twisted's
        return -1

    def isMultipart(self) -> bool:  # noqa: N802 - Twisted's
        return self._message.is_multipart()

    def getSubPart(self, part: int) -> "Part":  # noqa: N802 - Twisted's
        inner: Any = self._message.get_payload()
        return Part(inner[part])


@implementer(imap4.IMessage)
class Bare(Part):
    """A message without `IMessageFile`."""

    def __init__(self, uid: int, octets: bytes, flags: Any, date: Any) -> None:
        super().__init__(message_from_bytes(octets))
        self.uid = uid
        self.octets = octets
        self.flags = {str(flag) for flag in flags}
        self.date = date

    def getUID(self) -> int:  # noqa: N802 - Twisted's
        return self.uid

    def getFlags(self) -> set[str]:  # noqa: N802 - Twisted's
        return self.flags

    def getInternalDate(self) -> Any:  # noqa: N802 - Twisted's
        return self.date


class Box:
    """A mailbox that answers as late as it may, and tells nobody anything.

    Attributes:
        messages: In order.
        faults: What methods raise, by their names.
        refusing: Whether flags can't be changed.
        closed: How often it was closed, if it can be.
    """

    def __init__(self) -> None:
        self.messages: list[Bare] = []
        self.faults: dict[str, Exception] = {}
        self.listeners: list[Any] = []
        self.uidvalidity = 7
        self.uidnext = 1
        self.closed = 0
        self.searched: list[Any] = []
        self.copied: list[Any] = []
        self.writeable = True

    def add(self, octets: bytes, *flags: str) -> Bare:
        message = Bare(self.uidnext, octets, flags, DATE)
        self.uidnext += 1
        self.messages.append(message)
        return message

    def _later(self, name: str, result: Any) -> Deferred[Any]:
        if name in self.faults:
            raise self.faults[name]
        return succeed(result)

    def getFlags(self) -> list[str]:  # noqa: N802 - Twisted's
        return ["\\Seen", "\\Odd", "Work"]

    def getHierarchicalDelimiter(self) -> str:  # noqa: N802 - Twisted's
        return "."

    def getUIDValidity(self) -> Any:  # noqa: N802 - Twisted's
        return self._later("getUIDValidity", self.uidvalidity)

    def getUIDNext(self) -> Any:  # noqa: N802 - Twisted's
        return self._later("getUIDNext", self.uidnext)

    def getUID(self, message: int) -> Any:  # noqa: N802 - Twisted's
        return self._later("getUID", self.messages[message - 1].uid)

    def getMessageCount(self) -> Any:  # noqa: N802 - Twisted's
        return self._later("getMessageCount", len(self.messages))

    def getRecentCount(self) -> Any:  # noqa: N802 - Twisted's
        return self._later("getRecentCount", 1)

    def getUnseenCount(self) -> int:  # noqa: N802 - Twisted's
        return sum("\\Seen" not in each.flags for each in self.messages)

    def isWriteable(self) -> Any:  # noqa: N802 - Twisted's
        return self._later("isWriteable", self.writeable)

    def destroy(self) -> None:
        """Nobody asks for it."""

    def requestStatus(self, names: Any) -> Any:  # noqa: N802 - Twisted's
        values = (len(self.messages), 1, self.uidnext, self.uidvalidity, 0)
        return self._later("requestStatus", dict(zip(names, values, strict=True)))

    def addListener(self, listener: Any) -> None:  # noqa: N802 - Twisted's
        self.listeners.append(listener)

    def removeListener(self, listener: Any) -> None:  # noqa: N802 - Twisted's
        self.listeners.remove(listener)
        self._later("removeListener", None)

    def addMessage(self, message: Any, flags: Any = (), date: Any = None) -> Any:  # noqa: N802 - Twisted's
        added = self.add(message.read(), *flags)
        added.date = date or DATE
        return self._later("addMessage", added.uid)

    def _chosen(self, messages: Any, uid: Any) -> Iterator[tuple[int, Bare]]:
        assert uid, "numbers are nobody's business but ours"
        for number, message in enumerate(self.messages, start=1):
            if message.uid in messages:
                yield number, message

    def fetch(self, messages: Any, uid: Any) -> Any:
        return self._later("fetch", list(self._chosen(messages, uid)))

    def store(self, messages: Any, flags: Any, mode: int, uid: Any) -> Any:
        for _, message in self._chosen(messages, uid):
            message.flags -= message.flags if mode == 0 else set()
            message.flags ^= message.flags & set(flags) if mode < 0 else set()
            message.flags |= set(flags) if mode >= 0 else set()
        return self._later("store", {})

    def expunge(self) -> Any:
        self.messages = [
            each for each in self.messages if "\\Deleted" not in each.flags
        ]
        return self._later("expunge", [])

    # Only where they are provided.

    def close(self) -> Any:
        self.closed += 1
        return self._later("close", None)

    def search(self, query: Any, uid: Any) -> Any:
        assert not uid
        self.searched.append(query)
        wanted = query[-1].lower()
        numbers = enumerate(self.messages, start=1)
        return self._later(
            "search", [n for n, each in numbers if wanted in each.octets]
        )

    def copy(self, message: Any) -> Any:
        self.copied.append(message.uid)
        return self._later("copy", 1)


class Boxes:
    """An account; its names have dots between their levels.

    Attributes:
        logouts: How often it was logged out.
    """

    def __init__(self) -> None:
        self.boxes: dict[str, Box] = {}
        self.subscribed = {"Work.Old"}
        self.logouts = 0
        self.faults: dict[str, Exception] = {}
        for name in ("inbox", "Work.Old", "a/b"):
            self.box(name)

    def box(self, name: str, *provides: Any) -> Box:
        box = self.boxes[name] = Box()
        alsoProvides(box, imap4.IMailbox, *provides)
        return box

    @property
    def inbox(self) -> Box:
        return self.boxes["inbox"]

    def logout(self) -> None:
        self.logouts += 1
        self._later("logout", None)

    def _later(self, name: str, result: Any) -> Deferred[Any]:
        if name in self.faults:
            raise self.faults[name]
        return succeed(result)

    def _known(self, name: str) -> str:
        return "inbox" if name == "INBOX" else name

    def addMailbox(self, name: str, mbox: Any = None) -> bool:  # noqa: N802 - Twisted's
        raise NotImplementedError

    def create(self, path: str) -> Any:
        if path in self.boxes:
            return self._later("create", result=False)
        self.box(path)
        return self._later("create", result=True)

    def select(self, name: str, rw: Any = True) -> Any:
        del rw
        return self._later("select", self.boxes.get(self._known(name)))

    def delete(self, name: str) -> Any:
        if name not in self.boxes:
            raise imap4.NoSuchMailbox(name)
        del self.boxes[name]
        return self._later("delete", None)

    def rename(self, old: str, new: str) -> Any:
        if new in self.boxes:
            raise imap4.MailboxCollision(new)
        self.boxes[new] = self.boxes.pop(old)
        return self._later("rename", None)

    def isSubscribed(self, name: str) -> Any:  # noqa: N802 - Twisted's
        return self._later("isSubscribed", name in self.subscribed)

    def subscribe(self, name: str) -> Any:
        self.subscribed.add(name)
        return self._later("subscribe", None)

    def unsubscribe(self, name: str) -> Any:
        if name not in self.subscribed:
            raise imap4.MailboxException("[no] such\r\nthing")
        self.subscribed.discard(name)
        return self._later("unsubscribe", None)

    # Only where they are provided.

    def getPersonalNamespaces(self) -> list[list[bytes]]:  # noqa: N802 - Twisted's
        return [[b"", b"."]]

    def getSharedNamespaces(self) -> Any:  # noqa: N802 - Twisted's
        return succeed([["news.", "."]])

    def getUserNamespaces(self) -> None:  # noqa: N802 - Twisted's
        return None

    def listMailboxes(self, ref: str, wildcard: str) -> Any:  # noqa: N802 - Twisted's
        assert (ref, wildcard) == ("", "*")
        return self._later("listMailboxes", list(self.boxes.items()))


@implementer(IRealm)
class Realm:
    """Gives everybody the same account."""

    def __init__(self, account: Any, logout: Callable[[], None]) -> None:
        self._account = account
        self._logout = logout

    def requestAvatar(self, avatarId: Any, mind: Any, *interfaces: Any) -> Any:  # noqa: N803 - Twisted's
        del avatarId, mind
        return interfaces[0], self._account, self._logout


def client_of(boxes: Boxes) -> Client:
    """Return somebody whom the application lets in, and who does log in."""
    alsoProvides(boxes, imap4.IAccount)
    checker = InMemoryUsernamePasswordDatabaseDontUse(ana=b"secret")
    portal = Portal(Realm(boxes, boxes.logout), [checker])
    clock = Clock()
    logins: Any = ForeignLogins(portal, clock)
    return Client(clock=clock, logins=logins).login()
