"""The open mailbox of a session, and how its messages are worded."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imapbox.imap.contexts import Contexts
from imapbox.imap.dialect import Dialect
from imapbox.mailbox.interfaces import SelectedMailbox
from imapbox.mailbox.messages import MarkedRow, Marks, Message
from imapbox.mailbox.updates import Exists, Expunged, FlagsChanged, Update
from imapbox.model.flags import FLAG_NAMES, Flag
from imapbox.model.numbers import Seq, Uid
from imapbox.model.rights import settable_flags
from imapbox.model.sequence_set import SAVED, SequenceSet
from imapbox.model.uid_arrays import NO_UIDS
from imapbox.wire.imap import response_codes as codes
from imapbox.wire.imap import responses
from imapbox.wire.imap.flags import render_flag_list
from imapbox.wire.imap.object_ids import mailboxid
from imapbox.wire.imap.sequence_set import uid_set

ALL_FLAGS: Final = Flag(sum(FLAG_NAMES))
# Most mailboxes have a few dozen combinations of flags.
_MAX_KEPT: Final = 4096
# UIDs in one response: a line of some 10 KB at most.
_MOST_VANISHED: Final = 1000


class Selection:
    """A `SelectedMailbox` with the words for its flags.

    Attributes:
        mailbox: What is open.
        dialect: The session's.
        saved: UIDs that the last SEARCH saved: RFC 5182 §2.1.
        contexts: Results that are kept up: RFC 5267 §4.3.
        own: UIDs of messages that the client brought here, and that it was not
            told of yet.
    """

    def __init__(self, mailbox: SelectedMailbox, dialect: Dialect) -> None:
        self.mailbox = mailbox
        self.dialect = dialect
        self.saved = NO_UIDS
        self.contexts = Contexts(mailbox)
        self.own: set[int] = set()
        self._flags_items = _FlagsItems(mailbox, dialect)
        self._keywords_told = len(mailbox.keywords())
        self._rights_told = mailbox.rights

    def messages(self, numbers: SequenceSet, *, by_uid: bool) -> Iterator[Message]:
        """Return the messages that a client names, ascending, lazily.

        Raises:
            NoSuchMessage: (at once) a sequence number is nobody's.
        """
        if numbers == SAVED:
            return self.mailbox.messages_of(self._saved())
        if by_uid:
            return self.mailbox.by_uid(self.resolve_uids(numbers))
        return self.mailbox.by_seq(numbers.resolve(self.mailbox.exists))

    def marked_rows(self, numbers: SequenceSet, *, by_uid: bool) -> Iterator[MarkedRow]:
        """Return what `messages` does, but only UIDs and marks; much cheaper."""
        if numbers == SAVED:
            return self.mailbox.marks_of(self._saved())
        if by_uid:
            return self.mailbox.marks_by_uid(self.resolve_uids(numbers))
        return self.mailbox.marks_by_seq(numbers.resolve(self.mailbox.exists))

    def uids(self, numbers: SequenceSet, *, by_uid: bool) -> NDArray[np.uint32]:
        """Return the UIDs of what `messages` returns, all at once; the cheapest."""
        if numbers == SAVED:
            return self._saved()
        if by_uid:
            return self.mailbox.uids_by_uid(self.resolve_uids(numbers))
        return self.mailbox.uids_by_seq(numbers.resolve(self.mailbox.exists))

    def resolve_uids(self, numbers: SequenceSet) -> Sequence[range]:
        """Return the UIDs that a client names, whoever has them."""
        if numbers == SAVED:
            return [range(uid, uid + 1) for uid in self._saved().tolist()]
        exists = self.mailbox.exists
        if not exists:
            return ()
        # "*" is the last message's UID, not UIDNEXT - 1: RFC 9051 §6.4.9.
        return numbers.resolve(self.mailbox.uids.at(exists - 1))

    def _saved(self) -> NDArray[np.uint32]:
        """Return what was saved, and has a sequence number still."""
        return self.mailbox.uids.among(self.saved)

    def row(self, message: Message, items: Iterable[bytes]) -> bytes:
        """Return what tells these items of a message."""
        if self.dialect.uids_only:
            return responses.uid_fetch(message.uid, items)
        return responses.fetch(message.seq, items)

    def row_start(self, message: Message) -> bytes:
        """Return the beginning of a row whose items come one by one."""
        if self.dialect.uids_only:
            return responses.uid_fetch_start(message.uid)
        return responses.fetch_start(message.seq)

    def flags_item(self, message: Message) -> bytes:
        """Return FLAGS of a message, for a FETCH."""
        return self._flags_items[message.marks]

    def flags_line(self) -> bytes:
        """Return ``* FLAGS``."""
        return responses.flags(render_flag_list(ALL_FLAGS, self.mailbox.keywords()))

    def permanent_flags_line(self) -> bytes:
        r"""Return ``* OK [PERMANENTFLAGS …]``; ``\*`` invites new keywords."""
        system, keywords = settable_flags(self.mailbox.rights)
        if self.mailbox.read_only or not (system or keywords):
            flag_list, text = render_flag_list(Flag(0)), "No flags can be changed."
        else:
            text = "These flags last."
            flag_list = render_flag_list(
                system,
                self.mailbox.keywords() if keywords else (),
                any_keyword=keywords and self.mailbox.may_add_keywords(),
            )
        code = codes.permanent_flags(flag_list)
        return responses.untagged(responses.Status.OK, text, code)

    def lines(
        self,
        updates: Iterable[Update],
        uid_at: Callable[[int], int] | None,
        *,
        with_flags: bool,
    ) -> Iterator[bytes]:
        """Yield what tells a client of ``updates``, lazily.

        Args:
            updates: In their order.
            uid_at: Returns the UID at a place, from 0, as the client knew it
                before, if it is to be told UIDs of what went. The highest
                position is told first, so that each is what it was.
            with_flags: Whether it wants to be told of flags that others changed.
        """
        gone: list[int] = []
        for update in updates:
            if uid_at is not None and isinstance(update, Expunged):
                gone.append(uid_at(update.seq - 1))
                if len(gone) < _MOST_VANISHED:
                    continue
            if gone:
                yield _vanished(gone)
                gone.clear()
            if isinstance(update, FlagsChanged) and not with_flags:
                continue
            if uid_at is None or not isinstance(update, Expunged):
                yield self.update_lines(update)
        if gone:
            yield _vanished(gone)

    def update_lines(self, update: Update) -> bytes:
        """Return what tells a client of ``update``."""
        if isinstance(update, FlagsChanged):
            return self.new_keywords() + self.flags_row(update.message)
        if isinstance(update, Exists):
            return responses.exists(update.count) + self._recent(update.recent)
        if isinstance(update, Expunged):
            return responses.expunge(update.seq)
        return self.new_keywords()

    def new_keywords(self) -> bytes:
        """Return what announces keywords that the client was not told of, once.

        It goes before what makes use of them: RFC 3501 §7.2.6.
        """
        known = len(self.mailbox.keywords())
        if known == self._keywords_told:
            return b""
        self._keywords_told = known
        return self.flags_line() + self.permanent_flags_line()

    def new_rights(self) -> bytes:
        """Return what tells of other rights to change flags: RFC 4314 §5.1.1."""
        rights, known = self.mailbox.rights, self._rights_told
        self._rights_told = rights
        if rights is known or settable_flags(rights) == settable_flags(known):
            return b""
        return self.flags_line() + self.permanent_flags_line()

    def flags_rows(self, rows: Iterable[MarkedRow], *, with_uid: bool) -> bytes:
        """Return ``* n FETCH`` with the flags of each, and the UID if wanted."""
        items = self._flags_items
        if self.dialect.uids_only:
            return b"".join(
                [
                    responses.uid_fetch(
                        uid,
                        [responses.uid_item(uid), items[marks]]
                        if with_uid
                        else [items[marks]],
                    )
                    for _, uid, marks in rows
                ]
            )
        if with_uid:
            return responses.fetch_items_with_uid(
                [(seq, uid, items[marks]) for seq, uid, marks in rows]
            )
        return responses.fetch_items([(seq, items[marks]) for seq, _, marks in rows])

    def flags_row(self, message: Message) -> bytes:
        """Return ``* n FETCH`` with UID and flags of one message that changed."""
        dialect = self.dialect
        uid = dialect.tells_uid(by_uid=True)
        items = [responses.uid_item(message.uid)] if uid else []
        items.append(self.flags_item(message))
        if dialect.tells_modseqs:
            items.append(responses.modseq_item(message.modseq))
        return self.row(message, items)

    def word_flags_anew(self) -> None:
        """Forget how flags were worded in another dialect."""
        self._flags_items.clear()

    def _recent(self, count: int) -> bytes:
        # RFC 9051 §E, 12: rev2 has none.
        return b"" if self.dialect.rev2 else responses.recent(count)

    def highestmodseq_line(self) -> bytes:
        """Return ``* OK [HIGHESTMODSEQ …]``: the client was told all up to it."""
        code = codes.highestmodseq(self.mailbox.highestmodseq)
        return _fact("Highest mod-sequence.", code)

    def opening(self) -> Sequence[bytes]:
        """Return what SELECT tells before its answer. RFC 3501 §6.3.1."""
        mailbox = self.mailbox
        lines = [
            self.flags_line(),
            responses.exists(mailbox.exists),
            self._recent(mailbox.recent),
            self.permanent_flags_line(),
            _fact("UIDs are valid.", codes.uidvalidity(mailbox.uidvalidity)),
            _fact("Predicted next UID.", codes.uidnext(Uid(mailbox.uidnext))),
        ]
        if mailbox.mailbox_id:
            code = codes.mailbox_object(mailboxid(mailbox.mailbox_id))
            lines.append(_fact("It keeps this.", code))
        if mailbox.highestmodseq:
            lines.append(self.highestmodseq_line())
        unseen: Seq | None = mailbox.first_unseen()
        if unseen is not None and not (self.dialect.rev2 or self.dialect.uids_only):
            lines.insert(3, _fact("First unseen message.", codes.unseen(unseen)))
        return lines


def _vanished(uids: Iterable[int]) -> bytes:
    return responses.vanished(uid_set(sorted(uids)), earlier=False)


class _FlagsItems(dict[Marks, bytes]):
    """FLAGS in words, made when first asked for."""

    def __init__(self, mailbox: SelectedMailbox, dialect: Dialect) -> None:
        super().__init__()
        self._mailbox = mailbox
        self._dialect = dialect

    def __missing__(self, marks: Marks) -> bytes:
        if len(self) >= _MAX_KEPT:
            self.clear()
        flags, keywords, recent = marks
        names = [
            name
            for number, name in enumerate(self._mailbox.keywords())
            if keywords >> number & 1
        ]
        flag_list = render_flag_list(
            Flag(flags & ALL_FLAGS), names, recent=recent and not self._dialect.rev2
        )
        item = self[marks] = responses.flags_item(flag_list)
        return item


def _fact(text: str, code: codes.ResponseCode) -> bytes:
    return responses.untagged(responses.Status.OK, text, code)
