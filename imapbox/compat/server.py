r"""The repaired server: what its commands do.

Its class has the stock one's name, so that its private callbacks
(``__cbAppend`` and others) are the ones that are called.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any, Final

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import ITCPTransport, IUNIXTransport
from twisted.logger import Logger
from twisted.mail import imap4
from twisted.mail.imap4 import IllegalQueryError, MailboxException
from twisted.mail.interfaces import (
    ICloseableMailboxIMAP,
    INamespacePresenter,
)

from imapbox.compat.reading import Reading
from imapbox.compat.sections import label_of, octets_of
from imapbox.compat.turns import run_through
from imapbox.mailbox.twisted_interfaces import (
    IDeferringAccount,
    IMessageLoader,
    IStructuredMessage,
    ISyncedMailbox,
)
from imapbox.wire.imap.charsets import CHARSETS, codec_of

_log = Logger()

# Twisted's, which have no types.
_mailbox_name: Any = imap4._parseMbox  # noqa: SLF001 - the stock server's own
_in_quotes: Any = imap4._prepareMailboxName  # noqa: SLF001 - ditto
_lists: Any = imap4.collapseNestedLists
_message_set: Any = imap4.MessageSet

_STORE_ITEM: Final = re.compile(rb"[+-]?FLAGS(?:\.SILENT)?", re.IGNORECASE)
_STATUS_ITEMS: Final = {"MESSAGES", "RECENT", "UIDNEXT", "UIDVALIDITY", "UNSEEN"}
_SEEN: Final = "\\Seen"
_CONDITIONS: Final = {b"OK", b"NO", b"BAD"}


class IMAP4Server(Reading):
    """See `imapbox.compat`. Arguments and attributes are the stock server's."""

    mbox: Any = None
    blocked: list[bytes] | None = None
    parseState: str = "command"

    _account: Any = None

    def __init__(
        self, chal: Any = None, contextFactory: Any = None, scheduler: Any = run_through
    ) -> None:
        super().__init__(chal, contextFactory, scheduler)

    @property
    def account(self) -> Any:
        """Return whose mail this is."""
        return self._account

    @account.setter
    def account(self, account: Any) -> None:
        if IDeferringAccount.providedBy(account):
            account.answerWithDeferreds()
        self._account = account

    # The connection.

    def connectionMade(self) -> None:
        """Greet, and let small answers go out at once."""
        if ITCPTransport.providedBy(self.transport) and not IUNIXTransport.providedBy(
            self.transport
        ):
            self.transport.setTcpNoDelay(True)
        super().connectionMade()

    def connectionLost(self, reason: Any) -> None:
        """Close what is open."""
        self._leave()
        super().connectionLost(reason)

    def do_LOGOUT(self, tag: bytes) -> None:
        """Close what is open, and say good bye."""
        self._leave()
        super().do_LOGOUT(tag)

    def do_STARTTLS(self, tag: bytes) -> None:
        """Begin TLS, and forget what was said without it. CVE-2011-0411."""
        super().do_STARTTLS(tag)
        self.clearLineBuffer()

    def _leave(self) -> None:
        mailbox, self.mbox = self.mbox, None
        if mailbox is not None:
            mailbox.removeListener(self)
            closeable = ICloseableMailboxIMAP(mailbox, None)
            if closeable is not None:
                maybeDeferred(closeable.close).addErrback(_logged)

    def _respond(self, state: bytes, tag: bytes | None, message: bytes | None) -> None:
        """Say it by the grammar of RFC 9051 §9.

        A text is behind every code, and nothing behind a SEARCH without results.
        """
        if state in _CONDITIONS and (not message or message.endswith(b"]")):
            message = message + b" ." if message else b"."
        super()._respond(state.rstrip(b" "), tag, message)

    # News.

    def do_NOOP(self, tag: bytes) -> None:
        """Tell what is new."""
        self._do(tag, b"NOOP completed", self._tell_news)

    def do_CHECK(self, tag: bytes) -> None:
        """Tell what is new."""
        self._do(tag, b"CHECK completed", self._tell_news)

    def do_IDLE(self, tag: bytes) -> None:
        """Tell what is new, now and from now on."""
        self.sendContinuationRequest(b"idling")
        self.parseTag = tag
        self.lastState = self.parseState
        self.parseState = "idle"
        Deferred.fromCoroutine(self._tell_news()).addErrback(_logged)

    def parse_idle(self, line: bytes) -> None:
        """End IDLE, if this says so."""
        self.parseState = self.lastState
        if line.strip().upper() == b"DONE":
            self.sendPositiveResponse(self.parseTag, b"IDLE completed")
        else:
            self.sendBadResponse(self.parseTag, b"Only DONE ends IDLE")

    async def _tell_news(self) -> None:
        if ISyncedMailbox.providedBy(self.mbox):
            self._tell_expunged(await self.mbox.sync())

    def _tell_expunged(self, seqs: Iterable[int]) -> None:
        for seq in seqs:
            self.sendUntaggedResponse(b"%d EXPUNGE" % seq)

    # Mailboxes.

    def _cbSelectWork(self, mbox: Any, cmdName: bytes, tag: bytes) -> None:
        if mbox is not None:
            facts = [b"[UIDNEXT %d]" % mbox.getUIDNext()]
            if ISyncedMailbox.providedBy(mbox):
                flags = " ".join(mbox.getPermanentFlags()).encode()
                facts.append(b"[PERMANENTFLAGS (%b)]" % flags)
                unseen = mbox.getFirstUnseen()
                facts += [] if unseen is None else [b"[UNSEEN %d]" % unseen]
            for fact in facts:
                self.sendPositiveResponse(None, fact + b" .")
        super()._cbSelectWork(mbox, cmdName, tag)

    def do_NAMESPACE(self, tag: bytes) -> None:
        """Tell the namespaces: personal, other users', shared. RFC 2342 §5."""
        names: Any = INamespacePresenter(self.account, None)
        told = (
            [None] * 3
            if names is None
            else [
                names.getPersonalNamespaces(),
                names.getUserNamespaces(),
                names.getSharedNamespaces(),
            ]
        )
        self.sendUntaggedResponse(b"NAMESPACE " + _lists(told))
        self.sendPositiveResponse(tag, b"NAMESPACE completed")

    def do_CREATE(self, tag: bytes, name: bytes) -> None:
        """Make a mailbox."""
        self._change(tag, self.account.create, name)

    def do_DELETE(self, tag: bytes, name: bytes) -> None:
        """Delete a mailbox."""
        self._change(tag, self.account.delete, name)

    def do_RENAME(self, tag: bytes, oldname: bytes, newname: bytes) -> None:
        """Rename a mailbox; what becomes of INBOX is for the account to say."""
        self._change(tag, self.account.rename, oldname, newname)

    def do_SUBSCRIBE(self, tag: bytes, name: bytes) -> None:
        """Remember a name."""
        self._change(tag, self.account.subscribe, name)

    def do_UNSUBSCRIBE(self, tag: bytes, name: bytes) -> None:
        """Forget a name."""
        self._change(tag, self.account.unsubscribe, name)

    def _listWork(
        self, tag: bytes, ref: Any, mbox: Any, sub: int, cmdName: bytes
    ) -> None:
        if sub and IDeferringAccount.providedBy(self.account):
            names = map(_mailbox_name, (ref, mbox))
            maybeDeferred(self.account.listSubscribed, *names).addCallback(
                self._cbListWork, tag, 0, cmdName
            ).addErrback(self._refused, tag)
            return
        super()._listWork(tag, ref, mbox, sub, cmdName)

    def do_STATUS(self, tag: bytes, mailbox: bytes, names: list[bytes]) -> None:
        """Count messages."""
        if not {name.decode().upper() for name in names} <= _STATUS_ITEMS:
            self.sendBadResponse(tag, b"Not an item of STATUS")
            return
        super().do_STATUS(tag, mailbox, names)

    def __cbStatus(self, status: dict[str, int], tag: bytes, box: str) -> None:
        counts = " ".join(f"{name} {count}" for name, count in status.items())
        told = _in_quotes(box), counts.encode()
        self.sendUntaggedResponse(b"STATUS %b (%b)" % told)
        self.sendPositiveResponse(tag, b"STATUS completed")

    # Messages.

    def do_APPEND(
        self, tag: bytes, mailbox: bytes, flags: Any, date: Any, message: Any
    ) -> None:
        """Add a message; flags and date may be missing."""
        super().do_APPEND(tag, mailbox, flags or [], date, message)

    def _cbAppendGotMailbox(self, mbox: Any, tag: bytes, *message: Any) -> None:
        if mbox is None:
            self.sendNegativeResponse(tag, b"[TRYCREATE] No such mailbox")
            return
        super()._cbAppendGotMailbox(mbox, tag, *message)

    def __cbAppend(self, _uid: object, tag: bytes, _mbox: object) -> None:
        self._do(tag, b"APPEND completed", self._tell_news)

    def do_STORE(
        self, tag: bytes, messages: Any, mode: bytes, flags: Any, uid: int = 0
    ) -> None:
        """Change flags."""
        if not _STORE_ITEM.fullmatch(mode):
            self.sendBadResponse(tag, b"Not an item of STORE")
            return
        super().do_STORE(tag, messages, mode, flags, uid)

    def _cbCopySelectedMailbox(
        self, mbox: Any, tag: bytes, messages: Any, mailbox: str, uid: int
    ) -> None:
        if mbox is None:
            self.sendNegativeResponse(tag, b"[TRYCREATE] No such mailbox")
            return
        super()._cbCopySelectedMailbox(mbox, tag, messages, mailbox, uid)

    def __cbCopied(self, copies: Any, tag: bytes, _mbox: object) -> None:
        if all(succeeded for succeeded, _ in copies):
            self.sendPositiveResponse(tag, b"COPY completed")
        else:
            self.sendNegativeResponse(tag, b"Some messages were not copied")

    def do_SEARCH(
        self, tag: bytes, charset: bytes | None, query: Any, uid: int = 0
    ) -> None:
        """Tell which messages are so."""
        codec = codec_of((charset or b"utf-8").strip(b'"'))
        if codec is None:
            names = " ".join(CHARSETS).encode()
            text = b"[BADCHARSET (%b)] Not a charset that is known here" % names
            self.sendNegativeResponse(tag, text)
            return
        super().do_SEARCH(tag, None, _as_utf8(query, codec), uid)

    # FETCH.

    def do_FETCH(self, tag: bytes, messages: Any, query: Any, uid: int = 0) -> None:
        """Tell what is asked of messages."""
        self._do(
            tag, b"FETCH completed", lambda: self._fetch(messages, query, bool(uid))
        )

    async def _fetch(self, messages: Any, query: Any, by_uid: bool) -> None:
        found = list(await maybeDeferred(self.mbox.fetch, messages, uid=by_uid))
        if any(_reads(item) for item in query) and await self._see(found):
            found = list(await maybeDeferred(self.mbox.fetch, messages, uid=by_uid))
        octets = any(item.type in {"body", "rfc822", "rfc822text"} for item in query)
        timeout: Any = self.setTimeout(None)
        for seq, message in found:
            if octets and IMessageLoader.providedBy(message):
                await message.load()
            self.blocked = []  # nothing else may be told in the middle of this
            try:
                await self.spewMessage(seq, message, query, by_uid)
            except Exception as error:
                # A literal may have been announced.
                self.transport.loseConnection()
                raise MailboxException("Broken off.") from error
            finally:
                self.blocked = None
        self.setTimeout(timeout)

    async def _see(self, found: list[tuple[int, Any]]) -> bool:
        r"""Set ``\Seen``, tell it, and say whether there was something to set."""
        unseen = _message_set()
        for seq, message in found:
            if _SEEN not in message.getFlags():
                unseen.add(seq)
        if not unseen.ranges or not self.mbox.isWriteable():
            return False
        self.flagsChanged(
            await maybeDeferred(self.mbox.store, unseen, [_SEEN], 1, uid=False)
        )
        return True

    def spew_body(
        self, part: Any, id: int, msg: Any, _w: Any = None, _f: Any = None
    ) -> Any:
        """Tell a section of a message, or its BODY."""
        write = _w or self.transport.write
        if not (part.header or part.text or part.mime or part.empty):
            if IStructuredMessage.providedBy(msg):
                return write(b"BODY " + msg.getBody())
            return super().spew_body(part, id, msg, _w, _f)
        octets = octets_of(part, msg)
        told = b"NIL" if octets is None else b"{%d}\r\n%b" % (len(octets), octets)
        return write(b"%b %b" % (label_of(part), told))

    def spew_bodystructure(
        self, id: int, msg: Any, _w: Any = None, _f: Any = None
    ) -> Any:
        """Tell BODYSTRUCTURE."""
        if IStructuredMessage.providedBy(msg):
            return _w(b"BODYSTRUCTURE " + msg.getBodyStructure())
        return super().spew_bodystructure(id, msg, _w, _f)

    def spew_envelope(self, id: int, msg: Any, _w: Any = None, _f: Any = None) -> Any:
        """Tell ENVELOPE."""
        if IStructuredMessage.providedBy(msg):
            return _w(b"ENVELOPE " + msg.getEnvelope())
        return super().spew_envelope(id, msg, _w, _f)

    # Answers.

    def _do(self, tag: bytes, text: bytes, work: Callable[[], Any]) -> None:
        """Answer when ``work`` is done."""
        Deferred.fromCoroutine(work()).addCallbacks(
            lambda _: self.sendPositiveResponse(tag, text),
            lambda failure: self._refused(failure, tag),
        ).addErrback(_logged)

    def _change(self, tag: bytes, change: Callable[..., Any], *names: bytes) -> None:
        """Change the tree of mailboxes, and answer when that is done."""

        async def changed() -> None:
            done = await maybeDeferred(change, *map(_mailbox_name, names))
            if done is not None and not done:
                raise MailboxException("Not done.")

        self._do(tag, b"Done", changed)

    def _refused(self, failure: Any, tag: bytes, *_: Any) -> None:
        """Answer NO, or BAD to a mistake, with the reason if it is for the client."""
        text = str(failure.value).encode("ascii", "replace")
        if failure.check(IllegalQueryError):
            self.sendBadResponse(tag, b"Not a valid SEARCH: " + text)
        elif failure.check(MailboxException):
            self.sendNegativeResponse(tag, text)
        else:
            _log.failure("a command failed", failure)
            self.sendNegativeResponse(tag, b"Server error")

    _ebSelectWork = __ebStatus = __ebAppend = __ebStore = __ebCopy = _refused
    __ebSearch = __ebExpunge = __ebClose = _ebListWork = _refused
    _ebStatusGotMailbox = _ebAppendGotMailbox = _ebCopySelectedMailbox = _refused


def _reads(item: Any) -> bool:
    r"""Say whether FETCH of this sets ``\Seen``."""
    if item.type == "body":
        sections = item.header or item.text or item.mime or item.empty
        return bool(sections) and not item.peek
    return item.type in {"rfc822", "rfc822text"}


def _as_utf8(query: Any, codec: str) -> Any:
    """Return a query's strings in UTF-8; what is no text stays as it is."""
    if isinstance(query, list):
        return [_as_utf8(each, codec) for each in query]
    try:
        return query.decode(codec).encode()
    except UnicodeDecodeError:
        return query


def _logged(failure: Any) -> None:
    _log.failure("a command failed", failure)
