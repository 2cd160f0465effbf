"""What an account lacks is not obeyed, though it could be read.

An account may have less than a session knows: its `lacks` names capabilities that
are not announced to its client. Here stands what needs which of them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from imapbox.imap.answers import Mistaken
from imapbox.model.criteria import (
    ChangedFrom,
    HasEmailId,
    HasThreadId,
    Older,
    Saved,
    Younger,
    parts_of,
)
from imapbox.model.sorting import SortKey
from imapbox.wire.imap.commands.append import Append, Replace
from imapbox.wire.imap.commands.authenticated import Create, Examine, Select
from imapbox.wire.imap.commands.command import Command
from imapbox.wire.imap.commands.listing import List
from imapbox.wire.imap.commands.multisearch import MultiSearch
from imapbox.wire.imap.commands.notify import Notify
from imapbox.wire.imap.commands.search import Asking, Search
from imapbox.wire.imap.commands.selected import Expunge, Fetch, Store
from imapbox.wire.imap.commands.sort import Sort
from imapbox.wire.imap.commands.status import Status, StatusAtt
from imapbox.wire.imap.commands.thread import Thread
from imapbox.wire.imap.fetch_items import (
    BinaryItem,
    BinarySizeItem,
    FetchAtt,
    FetchItem,
)
from imapbox.wire.imap.list_options import Selecting
from imapbox.wire.imap.return_options import Return, Returns

# Commands that are in neither RFC 3501 nor RFC 2971.
COMMANDS: Final[Mapping[str, str]] = {
    "CANCELUPDATE": "CONTEXT=SEARCH",
    "DELETEACL": "ACL",
    "GETACL": "ACL",
    "LISTRIGHTS": "ACL",
    "MYRIGHTS": "ACL",
    "SETACL": "ACL",
    "COMPRESS": "COMPRESS=DEFLATE",
    "ENABLE": "ENABLE",
    "ESEARCH": "MULTISEARCH",
    "GENURLAUTH": "URLAUTH",
    "GETMETADATA": "METADATA",
    "GETQUOTA": "QUOTA",
    "GETQUOTAROOT": "QUOTA",
    "IDLE": "IDLE",
    "MOVE": "MOVE",
    "NAMESPACE": "NAMESPACE",
    "NOTIFY": "NOTIFY",
    "REPLACE": "REPLACE",
    "RESETKEY": "URLAUTH",
    "SETMETADATA": "METADATA",
    "SETQUOTA": "QUOTA",
    "SORT": "SORT",
    "UNAUTHENTICATE": "UNAUTHENTICATE",
    "UNSELECT": "UNSELECT",
    "URLFETCH": "URLAUTH",
}
_CRITERIA: Final[Mapping[type[Any], str]] = {
    ChangedFrom: "CONDSTORE",
    HasEmailId: "OBJECTID",
    HasThreadId: "OBJECTID",
    Saved: "SAVEDATE",
    Older: "WITHIN",
    Younger: "WITHIN",
}
_FETCHED: Final[Mapping[FetchAtt, str]] = {
    FetchAtt.MODSEQ: "CONDSTORE",
    FetchAtt.EMAILID: "OBJECTID",
    FetchAtt.THREADID: "OBJECTID",
    FetchAtt.SAVEDATE: "SAVEDATE",
    FetchAtt.PREVIEW: "PREVIEW",
    FetchAtt.PREVIEW_LAZY: "PREVIEW",
}
_COUNTED: Final[Mapping[StatusAtt, str]] = {
    StatusAtt.DELETED: "IMAP4rev2",
    StatusAtt.DELETED_STORAGE: "QUOTA=RES-STORAGE",
    StatusAtt.SIZE: "STATUS=SIZE",
    StatusAtt.HIGHESTMODSEQ: "CONDSTORE",
    StatusAtt.APPENDLIMIT: "APPENDLIMIT",
    StatusAtt.MAILBOXID: "OBJECTID",
}
_RETURNED: Final[Mapping[Return, str]] = {
    Return.PARTIAL: "PARTIAL",
    Return.SAVE: "SEARCHRES",
    Return.RELEVANCY: "SEARCH=FUZZY",
}
_KEPT_UP: Final = frozenset({Return.UPDATE, Return.CONTEXT})
_DISPLAY: Final = frozenset({SortKey.DISPLAYFROM, SortKey.DISPLAYTO})


def check_offered(command: Command, lacks: frozenset[str]) -> None:
    """See that a command asks for nothing that was not announced.

    Args:
        command: What is asked for.
        lacks: Capabilities that are not there.

    Raises:
        Mistaken: It does.
    """
    if lacks:
        for name in needed(command):
            _check(name, lacks)


def _check(name: str, lacks: frozenset[str]) -> None:
    if name in lacks:
        text = f"{name} is not offered here."
        raise Mistaken(text)


def needed(command: Command) -> Iterator[str]:
    """Yield the capabilities without which a command means nothing."""
    if command.name in COMMANDS:
        yield COMMANDS[command.name]
    for needs in _ARGUMENTS.get(type(command), ()):
        yield from needs(command)


def _asking(command: Asking) -> Iterator[str]:
    if command.is_fuzzy:
        yield "SEARCH=FUZZY"
    for each in parts_of(command.criterion):
        if type(each) in _CRITERIA:
            yield _CRITERIA[type(each)]
    returns: Returns | None = getattr(command, "returns", None)
    if returns is not None:
        sorts = isinstance(command, Sort)
        yield "ESORT" if sorts else "ESEARCH"
        yield from (name for each, name in _RETURNED.items() if each in returns)
        if returns.options & _KEPT_UP:
            yield "CONTEXT=SORT" if sorts else "CONTEXT=SEARCH"
        if returns.update_atts:
            yield "NOTIFY"
        for att in returns.update_atts:
            yield from _fetched(att)


def _sort(command: Sort) -> Iterator[str]:
    if any(each.key in _DISPLAY for each in command.by):
        yield "SORT=DISPLAY"


def _thread(command: Thread) -> Iterator[str]:
    yield f"THREAD={command.algorithm.value.decode()}"


def _fetched(item: FetchItem) -> Iterator[str]:
    if isinstance(item, BinaryItem | BinarySizeItem):
        yield "BINARY"
    elif isinstance(item, FetchAtt) and item in _FETCHED:
        yield _FETCHED[item]


def _fetch(command: Fetch) -> Iterator[str]:
    for item in command.items:
        yield from _fetched(item)
    if command.since is not None:
        yield "QRESYNC" if command.since.vanished else "CONDSTORE"
    if command.partial is not None:
        yield "PARTIAL"


def _store(command: Store) -> Iterator[str]:
    if command.unchanged_since is not None:
        yield "CONDSTORE"


def _expunge(command: Expunge) -> Iterator[str]:
    if command.uids is not None:
        yield "UIDPLUS"


def _select(command: Select | Examine) -> Iterator[str]:
    if command.parameters.condstore:
        yield "CONDSTORE"
    if command.parameters.resync is not None:
        yield "QRESYNC"


def _status(command: Status) -> Iterator[str]:
    return (_COUNTED[item] for item in command.items if item in _COUNTED)


def _list(command: List) -> Iterator[str]:
    if command.extended:
        yield "LIST-EXTENDED"
    if Selecting.SPECIAL_USE in command.selecting:
        yield "SPECIAL-USE"
    if command.returning.my_rights:
        yield "LIST-MYRIGHTS"
    if command.returning.status:
        yield "LIST-STATUS"
    for item in command.returning.status:
        if item in _COUNTED:
            yield _COUNTED[item]


def _notify(command: Notify) -> Iterator[str]:
    atts = [att for group in command.groups or () for att in group.atts]
    return (name for att in atts for name in _fetched(att))


def _create(command: Create) -> Iterator[str]:
    if command.uses:
        yield "CREATE-SPECIAL-USE"


def _append(command: Append) -> Iterator[str]:
    if any(each.urls or not each.ends for each in command.passages):
        yield "CATENATE"


_ARGUMENTS: Final[Mapping[type[Command], Sequence[Callable[[Any], Iterator[str]]]]] = {
    Append: [_append],
    Create: [_create],
    Examine: [_select],
    Expunge: [_expunge],
    Fetch: [_fetch],
    List: [_list],
    MultiSearch: [_asking],
    Notify: [_notify],
    Replace: [_append],
    Search: [_asking],
    Select: [_select],
    Sort: [_asking, _sort],
    Status: [_status],
    Store: [_store],
    Thread: [_asking, _thread],
}
