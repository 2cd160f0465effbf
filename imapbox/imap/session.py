"""Where one connection stands, and what its handlers work with."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger

from imapbox.imap.capabilities import capabilities
from imapbox.imap.crowd import Guess
from imapbox.imap.deadlines import Deadlines
from imapbox.imap.dialect import Dialect
from imapbox.imap.input import Input
from imapbox.imap.interfaces import Logins
from imapbox.imap.notifying import Notifying
from imapbox.imap.output import Output
from imapbox.imap.peers import Peer
from imapbox.imap.selection import Selection
from imapbox.imap.settings import Cleartext, Settings
from imapbox.imap.states import State
from imapbox.mailbox.account_interface import Account
from imapbox.mailbox.interfaces import SelectedMailbox
from imapbox.mailbox.messages import MarkedRow
from imapbox.model.names import MailboxName
from imapbox.wire.imap import response_codes as codes
from imapbox.wire.imap import responses
from imapbox.wire.imap.framer import AFTER_LOGIN, BEFORE_LOGIN, NO_LITERALS
from imapbox.wire.imap.response_codes import ResponseCode
from imapbox.wire.imap.tags import Tag

_log = Logger()

# So many messages are worded before we look at the clock.
BATCH: Final = 128


@dataclass(slots=True, kw_only=True)
class Session:
    """One connection from its greeting to its end.

    The state is not kept but follows from what there is: an account, a
    selected mailbox, an end.

    Attributes:
        input: What the client sends.
        output: What it is told.
        deadlines: How long it may take.
        clock: For delays.
        settings: What holds for the whole listener.
        logins: Who may log in.
        peer: Who is at the other end.
        guess: Begins to try a password; None if too many were wrong.
        take_seat: Takes one of a user's seats; says whether there was one.
        give_seat_back: Gives it back.
        encrypted: Whether TLS is active.
        compressed: Whether COMPRESS is.
        start_tls: Begins TLS; None where there is no certificate.
        tag: Of the command that is obeyed.
        ended: Why the session ended; None while it goes on.
        stopping: Why it ends after this command; None while it goes on.
        failed_logins: How many there were.
        mistakes: How many BADs there were before login.
        identified: Whether the client has said what it is: ID.
        dialect: What the client, since its login, has said that it understands.
        notifying: What it wants to be told, and when.
    """

    input: Input
    output: Output
    deadlines: Deadlines
    clock: Any
    settings: Settings
    logins: Logins
    peer: Peer
    take_seat: Callable[[str], bool]
    give_seat_back: Callable[[], None]
    guess: Callable[[], Guess | None]
    encrypted: bool = False
    compressed: bool = False
    start_tls: Callable[[], None] | None = None
    tag: Tag | None = None
    ended: str | None = None
    stopping: str | None = None
    failed_logins: int = 0
    mistakes: int = 0
    identified: bool = False
    dialect: Dialect = field(default_factory=Dialect)
    notifying: Notifying = field(default_factory=Notifying)
    _account: Account | None = None
    _selection: Selection | None = None

    @property
    def state(self) -> State:
        """Where the connection stands. RFC 9051 §3."""
        if self.ended is not None:
            return State.LOGOUT
        if self._account is None:
            return State.NOT_AUTHENTICATED
        if self._selection is None:
            return State.AUTHENTICATED
        return State.SELECTED

    @property
    def user(self) -> str:
        """Who is logged in, for log lines."""
        return "nobody" if self._account is None else self._account.user

    @property
    def account(self) -> Account:
        """Whose mail this is; only for commands that come after login."""
        if self._account is None:
            raise RuntimeError("nobody is logged in")
        return self._account

    @property
    def selection(self) -> Selection:
        """The open mailbox; only for commands that need one."""
        if self._selection is None:
            raise RuntimeError("no mailbox is selected")
        return self._selection

    @property
    def lacks(self) -> frozenset[str]:
        """What whoever is logged in, or could be, lacks of all capabilities."""
        return self.logins.lacks if self._account is None else self._account.lacks

    @property
    def selected(self) -> Selection | None:
        """The open mailbox, if there is one."""
        return self._selection

    def has_selected(self, mailbox_id: bytes) -> bool:
        """Say whether a mailbox is the open one."""
        selection = self._selection
        return selection is not None and selection.mailbox.mailbox_id == mailbox_id

    @property
    def may_login(self) -> bool:
        """Whether a password may come over this connection as it is."""
        allowed = self.settings.cleartext
        return (
            self.encrypted
            or allowed is Cleartext.ALWAYS
            or (allowed is Cleartext.LOOPBACK and self.peer.is_local)
        )

    @property
    def may_start_tls(self) -> bool:
        """Whether TLS can be had, unless it is active. Not within COMPRESS."""
        return self.start_tls is not None and not self.compressed

    def offer(self) -> bytes:
        """Return what is offered now, as CAPABILITY lists it."""
        return responses.capability_list(
            capabilities(
                self.state,
                may_start_tls=self.may_start_tls and not self.encrypted,
                may_login=self.may_login,
                message_limit=self.settings.message_limit,
                lacks=self.lacks,
            )
        )

    def encrypt(self) -> None:
        """Go on within TLS, and forget what was said without it."""
        if self.start_tls is None:
            raise RuntimeError("TLS was not offered")
        self.output.flush()
        self.input.forget()
        self.start_tls()
        self.encrypted = True

    def compress(self) -> None:
        """Go on with both directions compressed. RFC 4978 §3."""
        self.output.deflate()
        self.input.inflate()
        self.compressed = True

    def log_out(self) -> None:
        """Go on as nobody, as after the greeting. RFC 8437 §3."""
        _log.info(
            "{user} from {peer} logged out", user=self.user, peer=self.peer.address
        )
        self.leave()
        self.account.close()
        self._account = None
        self.dialect = Dialect()
        self.notify(Notifying())
        self.give_seat_back()
        self.input.framer.limits = BEFORE_LOGIN if self.may_login else NO_LITERALS
        self.deadlines.logged_out()

    def log_in(self, account: Account) -> None:
        """Go on as the owner of ``account``."""
        self._account = account
        self.input.framer.limits = AFTER_LOGIN
        self.deadlines.logged_in()

    def open(self, mailbox: SelectedMailbox) -> None:
        """Go on with ``mailbox`` selected."""
        self._selection = Selection(mailbox, self.dialect)
        self.notifying.selects(mailbox)

    def notify(self, notifying: Notifying) -> None:
        """Tell the client from now on what is in ``notifying``."""
        self.notifying.close()
        self.notifying = notifying
        if self._selection is not None:
            notifying.selects(self._selection.mailbox)

    def brought(self, name: MailboxName, uids: Sequence[int]) -> None:
        """Note that the client brought messages into a mailbox; it knows of them."""
        self.notifying.brought(name, uids)
        selection = self._selection
        if selection is None or not self.notifying.selected.counts:
            return  # it is told of none
        if selection.mailbox.name == name:
            selection.own.update(uids)

    def tell_modseqs(self) -> bool:
        """Tell modseqs with all flags from now on; say whether that is new.

        RFC 7162 §3.1: what the client asks for tells that it understands them.
        """
        is_new = not self.dialect.tells_modseqs
        self.dialect.tells_modseqs = True
        if is_new and self._selection is not None:
            self.output.write(self._selection.highestmodseq_line())
        return is_new

    def tell_vanished(self) -> bool:
        """Tell UIDs of what went, and modseqs, from now on; say whether that is new.

        RFC 7162 §3.2.3.
        """
        is_new = not self.dialect.tells_vanished
        self.dialect.tells_vanished = True
        self.tell_modseqs()
        return is_new

    def take_utf8(self) -> bool:
        """Speak UTF-8 from now on; say whether that is new. RFC 6855 §3."""
        is_new = not self.dialect.names_no_charset
        self.dialect.utf8 = self.dialect.names_no_charset = True
        return is_new

    def take_rev2(self) -> bool:
        """Speak IMAP4rev2 from now on; say whether that is new. RFC 9051 §A."""
        is_new = not self.dialect.rev2
        self.dialect.utf8 = self.dialect.rev2 = True
        if self._selection is not None:
            self._selection.word_flags_anew()
        return is_new

    def use_uids_only(self) -> bool:
        """Tell and take no sequence numbers from now on; say whether that is new.

        RFC 9586 §3.
        """
        is_new = not self.dialect.uids_only
        self.dialect.uids_only = True
        if self._selection is not None:
            self._selection.contexts.use_uids_only(self.output)
        return is_new

    def highestmodseq(self) -> ResponseCode | None:
        """Return the code for what the client was told all up to, if it wants it.

        For what expunges: RFC 7162 §3.2.7, §3.2.9, RFC 6851 §4.4.
        """
        if self._selection is None or not self.dialect.tells_vanished:
            return None
        if not self.notifying.selected.flags:
            return None  # of flags it was not told all
        return codes.highestmodseq(self._selection.mailbox.highestmodseq)

    def leave(self) -> None:
        """Close the mailbox that is selected, if one is."""
        selection, self._selection = self._selection, None
        if selection is not None:
            self.notifying.unselects(selection.mailbox)
            selection.mailbox.close()

    async def check_readable(self) -> None:
        """See that what is selected may still be read, before something is told of it.

        Raises:
            MailboxGone: It may not.
        """
        if self._selection is not None:
            await self._selection.mailbox.check_readable()

    def changed(self) -> Deferred[None]:
        """Return a Deferred that fires when a `sync` may have something to tell.

        Without a selected mailbox it never does, nor where `notifying` hears of it,
        nor for who wants to be told nothing. Cancel it when it is not needed.
        """
        notifying = self.notifying
        if notifying.hears_selected or not notifying.selected.counts:
            return Deferred()
        if self._selection is None:
            return Deferred()
        return self._selection.mailbox.changed()

    async def tell_flags(self, rows: Iterator[MarkedRow], *, with_uid: bool) -> None:
        """Tell the client the flags of messages, and their UIDs if wanted."""
        selection = self.selection
        while batch := list(islice(rows, BATCH)):
            self.tell_keywords()
            self.output.write(selection.flags_rows(batch, with_uid=with_uid))
            await self.output.room()

    def tell_keywords(self) -> None:
        """Tell the client of new keywords, before anything makes use of them.

        A FETCH waits for its client now and then, and meanwhile other sessions
        may define some.
        """
        if lines := self.selection.new_keywords():
            self.output.write(lines)

    def end_if_stopping(self) -> None:
        """End while a command waits for its client, if the server stops.

        Raises:
            CancelledError: It does. The client was told, and gets no answer.
        """
        if self.stopping is not None:
            self.bye(self.stopping, codes.UNAVAILABLE)
            raise CancelledError

    def bye(self, text: str, code: ResponseCode | None = None) -> None:
        """Say good bye; the session ends when the command has been answered."""
        if self.ended is None:
            self.output.write(responses.untagged(responses.Status.BYE, text, code))
            self.ended = text

    def break_off(self, reason: str) -> None:
        """End without a word."""
        if self.ended is None:
            self.ended = reason

    def close(self) -> None:
        """Give everything back."""
        self.leave()
        self.notifying.close()
        if self._account is not None:
            self._account.close()
        self.deadlines.stop()
