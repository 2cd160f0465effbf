r"""Responses: values to bytes, each a whole line (or several) with its CRLF.

Whatever is not a number or a constant of ours goes through `strings` or is
checked, so that no octet of it can end a line or begin a response. A FETCH is
put together from items that the caller may keep and use again::

    fetch(Seq(3), (uid_item(Uid(7)), flags_item(seen)))
        == b"* 3 FETCH (UID 7 FLAGS (\\Seen))\r\n"

A large body is sent in slices: `fetch_start`, items with a space between each,
`FETCH_END`; after a `literal_item` its octets.

RFC 9051 §9::

    response-done   = response-tagged / response-fatal
    response-tagged = tag SP resp-cond-state CRLF
    resp-cond-state = ("OK" / "NO" / "BAD") SP resp-text
    resp-text       = ["[" resp-text-code "]" SP] [text]
    continue-req    = "+" SP (resp-text / base64) CRLF
    msg-att         = "(" (msg-att-dynamic / msg-att-static)
                      *(SP (msg-att-dynamic / msg-att-static)) ")"
"""

import binascii
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Final

from imapbox.model.message import InternalDate
from imapbox.model.names import DELIMITER, MailboxName
from imapbox.model.numbers import ModSeq, Seq, Uid, UidValidity
from imapbox.wire.imap import strings
from imapbox.wire.imap.commands.status import StatusAtt
from imapbox.wire.imap.dates import render_date_time
from imapbox.wire.imap.list_options import Selecting
from imapbox.wire.imap.object_ids import ObjectId
from imapbox.wire.imap.partial_ranges import Partial
from imapbox.wire.imap.response_codes import ResponseCode, noupdate
from imapbox.wire.imap.tags import Tag

FETCH_END: Final = b")\r\n"
# Around an item whose label is the URL. RFC 4467 §9.
URLFETCH_START: Final = b"* URLFETCH "
URLFETCH_END: Final = b"\r\n"
# RFC 3501 §7.2.5: the numbers stand between them.
SEARCH_START: Final = b"* SEARCH"
SORT_START: Final = b"* SORT"  # RFC 5256 §4
THREAD_START: Final = b"* THREAD"  # a space stands before the first thread
SEARCH_END: Final = b"\r\n"
_DELIMITER: Final = strings.string(DELIMITER.encode())
# By these names are selected for what they are: RFC 5258 §3.5.
_CHILDINFO: Final = frozenset({Selecting.SUBSCRIBED, Selecting.SPECIAL_USE})


class Status(Enum):
    """How a command went, or how the server is. RFC 9051 §7.1."""

    OK = b"OK"
    NO = b"NO"
    BAD = b"BAD"
    PREAUTH = b"PREAUTH"
    BYE = b"BYE"


class Attribute(Enum):
    """What LIST says of a mailbox. RFC 9051 §7.3.1, RFC 5258 §3, RFC 6154 §2."""

    NOINFERIORS = b"\\Noinferiors"
    NOSELECT = b"\\Noselect"
    NOACCESS = b"\\NoAccess"  # RFC 5465 §3.1
    NONEXISTENT = b"\\NonExistent"
    SUBSCRIBED = b"\\Subscribed"
    MARKED = b"\\Marked"
    UNMARKED = b"\\Unmarked"
    HASCHILDREN = b"\\HasChildren"
    HASNOCHILDREN = b"\\HasNoChildren"
    ALL = b"\\All"
    ARCHIVE = b"\\Archive"
    DRAFTS = b"\\Drafts"
    FLAGGED = b"\\Flagged"
    JUNK = b"\\Junk"
    SENT = b"\\Sent"
    TRASH = b"\\Trash"


def tagged(
    tag: Tag, status: Status, text: str, code: ResponseCode | None = None
) -> bytes:
    """Return a command's one answer."""
    return b"%b %b" % (tag, _condition(status, text, code))


def untagged(status: Status, text: str, code: ResponseCode | None = None) -> bytes:
    """Return a condition of the server: greeting, ``* BAD``, ``* BYE``."""
    return b"* " + _condition(status, text, code)


def no_update(tag: Tag, text: str) -> bytes:
    """Return what tells that a result is not kept up, or no longer. RFC 5267 §4.3.1."""
    return untagged(Status.NO, text, noupdate(tag))


def continuation(text: str) -> bytes:
    """Return the "+" that invites a literal or begins an IDLE."""
    return b"+ %b\r\n" % strings.text(text)


def challenge(data: bytes) -> bytes:
    """Return a step of SASL. RFC 9051 §6.2.2."""
    return b"+ %b\r\n" % binascii.b2a_base64(data, newline=False)


def capability_list(names: Iterable[str]) -> bytes:
    """Return the names of what is offered, one space between each.

    Raises:
        ValueError: One is no atom.
    """
    atoms = [name.encode() for name in names]
    for atom in atoms:
        if not strings.is_atom(atom):
            raise ValueError(atom)
    return b" ".join(atoms)


def capability(names: bytes) -> bytes:
    """Return ``* CAPABILITY``, of what `capability_list` made."""
    return b"* CAPABILITY %b\r\n" % names


def enabled(names: Iterable[str]) -> bytes:
    """Return ``* ENABLED``. RFC 5161 §3.2."""
    return b"* ENABLED%b\r\n" % b"".join(b" " + name.encode() for name in names)


def client_id(fields: Mapping[bytes, bytes]) -> bytes:
    """Return ``* ID``: what the server is. RFC 2971 §3.2."""
    said = [strings.string(word) for field in fields.items() for word in field]
    return b"* ID (%b)\r\n" % b" ".join(said)


def namespace(
    personal: Sequence[str],
    others: Sequence[str],
    shared: Sequence[str],
    *,
    utf8: bool = False,
) -> bytes:
    """Return ``* NAMESPACE``. RFC 9051 §7.3.3.

    Args:
        personal: With what names of the user's own mailboxes begin.
        others: With what those of other users' do.
        shared: With what those of nobody's do.
        utf8: Whether names are UTF-8, and not modified UTF-7.
    """
    kinds = [
        b"(%b)"
        % b"".join(
            b"(%b %b)" % (strings.prefix(each, utf8=utf8), _DELIMITER)
            for each in prefixes
        )
        if prefixes
        else b"NIL"
        for prefixes in (personal, others, shared)
    ]
    return b"* NAMESPACE %b\r\n" % b" ".join(kinds)


def exists(count: int) -> bytes:
    """Return ``* n EXISTS``."""
    return b"* %d EXISTS\r\n" % count


def recent(count: int) -> bytes:
    """Return ``* n RECENT``. RFC 3501 §7.3.2."""
    return b"* %d RECENT\r\n" % count


def expunge(seq: Seq) -> bytes:
    """Return ``* n EXPUNGE``."""
    return b"* %d EXPUNGE\r\n" % seq


def vanished(uids: bytes, *, earlier: bool) -> bytes:
    """Return ``* VANISHED``. RFC 7162 §3.2.10.

    Args:
        uids: As `sequence_set.uid_set` or `uid_ranges` makes them.
        earlier: Whether they are none that the client has in its numbers.
    """
    return b"* VANISHED %b%b\r\n" % (b"(EARLIER) " if earlier else b"", uids)


def flags(flag_list: bytes) -> bytes:
    """Return ``* FLAGS``, of what `flags.render_flag_list` made."""
    return b"* FLAGS %b\r\n" % flag_list


def list_mailbox(
    attributes: Iterable[Attribute],
    name: MailboxName,
    selected_below: Iterable[Selecting] = (),
    *,
    old_name: str | None = None,
    utf8: bool = False,
) -> bytes:
    """Return ``* LIST`` for one mailbox.

    Args:
        attributes: What is said of it.
        name: Its name.
        selected_below: What names below it were selected by, of which CHILDINFO
            tells: RFC 5258 §3.5.
        old_name: What the client called it: RFC 9051 §6.3.9.7.
        utf8: Whether names are UTF-8, and not modified UTF-7.
    """
    options = sorted(_CHILDINFO & frozenset(selected_below), key=lambda each: each.name)
    items = []
    if options:
        quoted = b" ".join(b'"%b"' % option.value for option in options)
        items.append(b'"CHILDINFO" (%b)' % quoted)
    if old_name is not None:
        items.append(b'"OLDNAME" (%b)' % strings.mailbox(old_name, utf8=utf8))
    extended = b" (%b)" % b" ".join(items) if items else b""
    return _listed(b"LIST", attributes, name, extended, utf8=utf8)


def list_delimiter() -> bytes:
    """Return the answer to ``LIST "" ""``: the delimiter. RFC 9051 §6.3.9."""
    return _listed(b"LIST", (Attribute.NOSELECT,), "")


def lsub_mailbox(
    attributes: Iterable[Attribute], name: MailboxName, *, utf8: bool = False
) -> bytes:
    """Return ``* LSUB`` for one name. RFC 3501 §7.2.3."""
    return _listed(b"LSUB", attributes, name, utf8=utf8)


def lsub_delimiter() -> bytes:
    """Return the answer to ``LSUB "" ""``."""
    return _listed(b"LSUB", (Attribute.NOSELECT,), "")


def status(
    name: MailboxName,
    values: Mapping[StatusAtt, int | ObjectId],
    *,
    utf8: bool = False,
) -> bytes:
    """Return ``* STATUS`` for one mailbox."""
    atts = b" ".join(
        number_item(att.value, value)
        if isinstance(value, int)
        else objectid_item(att.value, value)
        for att, value in values.items()
    )
    return b"* STATUS %b (%b)\r\n" % (strings.mailbox(name, utf8=utf8), atts)


def quota(root: bytes, resources: Iterable[tuple[bytes, int, int]]) -> bytes:
    """Return ``* QUOTA``: of each resource its name, what is held, what may be.

    RFC 9208 §4.2.1.
    """
    listed = b" ".join(b"%b %d %d" % each for each in resources)
    return b"* QUOTA %b (%b)\r\n" % (strings.string(root), listed)


def quota_root(
    name: MailboxName, roots: Iterable[bytes], *, utf8: bool = False
) -> bytes:
    """Return ``* QUOTAROOT`` of a mailbox. RFC 9208 §4.2.2."""
    words = [strings.mailbox(name, utf8=utf8), *map(strings.string, roots)]
    return b"* QUOTAROOT %b\r\n" % b" ".join(words)


def metadata(
    name: MailboxName | None, values: Mapping[str, bytes], *, utf8: bool = False
) -> bytes:
    """Return ``* METADATA`` of a mailbox, or of the server. RFC 5464 §4.4.1."""
    mailbox = b'""' if name is None else strings.mailbox(name, utf8=utf8)
    entries = b" ".join(
        b"%b %b" % (strings.astring(entry.encode()), strings.any_string(value))
        for entry, value in values.items()
    )
    return b"* METADATA %b (%b)\r\n" % (mailbox, entries)


def metadata_changed(
    name: MailboxName | None, entries: Iterable[str], *, utf8: bool = False
) -> bytes:
    """Return ``* METADATA`` that says which ones changed. RFC 5464 §4.4.2."""
    mailbox = b'""' if name is None else strings.mailbox(name, utf8=utf8)
    names = b" ".join(strings.astring(entry.encode()) for entry in entries)
    return b"* METADATA %b %b\r\n" % (mailbox, names)


def esearch_start(tag: Tag, *, uid: bool) -> bytes:
    """Return the beginning of ``* ESEARCH``. RFC 4731 §3.1.

    What was asked of what was found follows, each with a space before it, and
    then `SEARCH_END`.

    Args:
        tag: Of the command.
        uid: Whether UIDs are told.
    """
    correlator = b" (TAG %b)" % strings.string(tag)
    return b"* ESEARCH%b%b" % (correlator, b" UID" if uid else b"")


def multisearch_start(
    tag: Tag, name: MailboxName, uidvalidity: UidValidity, *, utf8: bool = False
) -> bytes:
    """Return the beginning of ``* ESEARCH`` for one of several mailboxes.

    RFC 7377 §2.1.
    """
    return b"* ESEARCH (TAG %b MAILBOX %b UIDVALIDITY %d) UID" % (
        strings.string(tag),
        strings.mailbox(name, utf8=utf8),
        uidvalidity,
    )


def search_item(name: bytes, value: int) -> bytes:
    """Return one thing that ESEARCH tells."""
    return b" %b %d" % (name, value)


def search_partial(partial: Partial) -> bytes:
    """Return the beginning of PARTIAL: a set, or NIL, and ")" follow. RFC 9394 §3.1."""
    return b" PARTIAL (%b " % partial.spelled()


def search_modseq(modseq: ModSeq) -> bytes:
    """Return the greatest modseq of them, behind the numbers. RFC 7162 §3.1.6."""
    return b" (MODSEQ %d)" % modseq


def search_numbers(numbers: Iterable[int]) -> bytes:
    """Return sequence numbers or UIDs as they stand in ``* SEARCH``."""
    return b"".join([b" %d" % number for number in numbers])


def fetch(seq: Seq, items: Iterable[bytes]) -> bytes:
    """Return ``* n FETCH`` with these items."""
    return b"* %d FETCH (%b)\r\n" % (seq, b" ".join(items))


def fetch_items(rows: Iterable[tuple[Seq, bytes]]) -> bytes:
    """Return ``* n FETCH`` with one item, for each of many messages."""
    return b"".join([b"* %d FETCH (%b)\r\n" % row for row in rows])


def fetch_items_with_uid(rows: Iterable[tuple[Seq, Uid, bytes]]) -> bytes:
    """Return ``* n FETCH`` with UID and one item, for each of many messages."""
    return b"".join([b"* %d FETCH (UID %d %b)\r\n" % row for row in rows])


def fetch_start(seq: Seq) -> bytes:
    """Return the beginning of a FETCH whose items come one by one."""
    return b"* %d FETCH (" % seq


def uid_fetch(uid: Uid, items: Iterable[bytes]) -> bytes:
    """Return ``* uid UIDFETCH`` with these items. RFC 9586 §3.2."""
    return b"* %d UIDFETCH (%b)\r\n" % (uid, b" ".join(items))


def uid_fetch_start(uid: Uid) -> bytes:
    """Return the beginning of a UIDFETCH whose items come one by one."""
    return b"* %d UIDFETCH (" % uid


def genurlauth(urls: Iterable[bytes]) -> bytes:
    """Return the URLs that were authorised. RFC 4467 §8.1."""
    return b"* GENURLAUTH %b\r\n" % b" ".join(map(strings.string, urls))


def flags_item(flag_list: bytes) -> bytes:
    """Return FLAGS, of what `flags.render_flag_list` made."""
    return b"FLAGS " + flag_list


def uid_item(uid: Uid) -> bytes:
    """Return UID."""
    return b"UID %d" % uid


def size_item(size: int) -> bytes:
    """Return RFC822.SIZE."""
    return b"RFC822.SIZE %d" % size


def modseq_item(modseq: ModSeq) -> bytes:
    """Return MODSEQ. RFC 7162 §3.1.4.2."""
    return b"MODSEQ (%d)" % modseq


def internaldate_item(date: InternalDate) -> bytes:
    """Return INTERNALDATE."""
    return b"INTERNALDATE " + render_date_time(date)


def savedate_item(date: InternalDate) -> bytes:
    """Return SAVEDATE. RFC 8514 §4.3."""
    return b"SAVEDATE " + render_date_time(date)


def preview_item(preview: str | None) -> bytes:
    """Return PREVIEW; None where it can't be had at once. RFC 8970 §3.2."""
    return b"PREVIEW " + strings.nstring(None if preview is None else preview.encode())


def objectid_item(label: bytes, objectid: ObjectId) -> bytes:
    """Return an item that is an ``objectid``. RFC 8474 §7."""
    return b"%b (%b)" % (label, objectid)


def literal_item(label: bytes, size: int) -> bytes:
    """Return the beginning of an item; the caller sends ``size`` octets, no NUL.

    Always as a literal, which is what clients expect of a body.
    """
    return b"%b %b" % (label, strings.literal_start(size))


def literal8_item(label: bytes, size: int) -> bytes:
    """Return what `literal_item` does, for octets among which there is a NUL."""
    return b"%b %b" % (label, strings.literal8_start(size))


def nil_item(label: bytes) -> bytes:
    """Return an item that is not there."""
    return label + b" NIL"


def number_item(label: bytes, number: int) -> bytes:
    """Return an item that is a number."""
    return b"%b %d" % (label, number)


def _condition(status: Status, text: str, code: ResponseCode | None) -> bytes:
    words = strings.text(text)
    if code is None:
        return b"%b %b\r\n" % (status.value, words)
    return b"%b [%b] %b\r\n" % (status.value, code, words)


def _listed(
    kind: bytes,
    attributes: Iterable[Attribute],
    name: str,
    extended: bytes = b"",
    *,
    utf8: bool = False,
) -> bytes:
    said = b" ".join(attribute.value for attribute in attributes)
    words = (kind, said, _DELIMITER, strings.mailbox(name, utf8=utf8), extended)
    return b"* %b (%b) %b %b%b\r\n" % words
