"""From a whole command to its value: one table, name to grammar.

RFC 9051 §9::

    command = tag SP (command-any / command-auth / command-nonauth /
              command-select) CRLF

Which command may be given when is the session's affair: every command is read
in every state.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final, TypeVar

from imapbox.wire.errors import BadSyntax
from imapbox.wire.imap.commands.acl import (
    read_delete_acl,
    read_get_acl,
    read_list_rights,
    read_my_rights,
    read_set_acl,
)
from imapbox.wire.imap.commands.any_state import Capability, Logout, Noop
from imapbox.wire.imap.commands.append import (
    Append,
    read_append,
    read_replace,
)
from imapbox.wire.imap.commands.authenticated import (
    Idle,
    Namespace,
    Unauthenticate,
    read_create,
    read_delete,
    read_examine,
    read_rename,
    read_select,
    read_subscribe,
    read_unsubscribe,
)
from imapbox.wire.imap.commands.cancel_update import read_cancel_update
from imapbox.wire.imap.commands.command import Command
from imapbox.wire.imap.commands.compress import read_compress
from imapbox.wire.imap.commands.copying import (
    read_copy,
    read_move,
    read_uid_copy,
    read_uid_move,
)
from imapbox.wire.imap.commands.enable import read_enable
from imapbox.wire.imap.commands.identity import read_id
from imapbox.wire.imap.commands.listing import read_list, read_lsub
from imapbox.wire.imap.commands.metadata import read_getmetadata, read_setmetadata
from imapbox.wire.imap.commands.multisearch import read_multisearch
from imapbox.wire.imap.commands.not_authenticated import (
    StartTls,
    read_authenticate,
    read_login,
)
from imapbox.wire.imap.commands.notify import read_notify
from imapbox.wire.imap.commands.quota import (
    read_getquota,
    read_getquotaroot,
    read_setquota,
)
from imapbox.wire.imap.commands.search import read_search, read_uid_search
from imapbox.wire.imap.commands.selected import (
    Check,
    Close,
    Expunge,
    Unselect,
    read_fetch,
    read_store,
    read_uid_expunge,
    read_uid_fetch,
    read_uid_store,
)
from imapbox.wire.imap.commands.sort import read_sort, read_uid_sort
from imapbox.wire.imap.commands.status import read_status
from imapbox.wire.imap.commands.thread import read_thread, read_uid_thread
from imapbox.wire.imap.commands.urlauth import (
    read_genurlauth,
    read_resetkey,
    read_urlfetch,
)
from imapbox.wire.imap.lexer import Lexer
from imapbox.wire.imap.tags import Tag, leading_tag

C = TypeVar("C", bound=Command)
Grammar = Callable[[Lexer, Tag], Command]


def _bare(command: Callable[[Tag], Command]) -> Grammar:
    """Return the grammar of a command that is only its name."""
    return lambda _lexer, tag: command(tag)


def _read_uid(lexer: Lexer, tag: Tag) -> Command:
    """Take what is behind UID: another command. RFC 9051 §6.4.9."""
    lexer.space()
    return _read_named(UID_GRAMMAR, lexer, tag)


GRAMMAR: Final[Mapping[bytes, Grammar]] = {
    # RFC 9051 §6.1
    b"CAPABILITY": _bare(Capability),
    b"NOOP": _bare(Noop),
    b"LOGOUT": _bare(Logout),
    b"ID": read_id,
    # RFC 9051 §6.2
    b"STARTTLS": _bare(StartTls),
    b"AUTHENTICATE": read_authenticate,
    b"LOGIN": read_login,
    # RFC 9051 §6.3
    b"ENABLE": read_enable,
    b"UNAUTHENTICATE": _bare(Unauthenticate),
    b"COMPRESS": read_compress,
    b"SELECT": read_select,
    b"EXAMINE": read_examine,
    b"CREATE": read_create,
    b"DELETE": read_delete,
    b"RENAME": read_rename,
    b"SUBSCRIBE": read_subscribe,
    b"UNSUBSCRIBE": read_unsubscribe,
    b"LIST": read_list,
    b"LSUB": read_lsub,
    b"NAMESPACE": _bare(Namespace),
    b"STATUS": read_status,
    b"GETQUOTA": read_getquota,
    b"GETQUOTAROOT": read_getquotaroot,
    b"SETQUOTA": read_setquota,
    b"GETMETADATA": read_getmetadata,
    b"SETMETADATA": read_setmetadata,
    b"APPEND": read_append,  # one with octets goes to `parse_append`
    b"GENURLAUTH": read_genurlauth,
    b"RESETKEY": read_resetkey,
    b"URLFETCH": read_urlfetch,
    b"SETACL": read_set_acl,
    b"DELETEACL": read_delete_acl,
    b"GETACL": read_get_acl,
    b"LISTRIGHTS": read_list_rights,
    b"MYRIGHTS": read_my_rights,
    b"IDLE": _bare(Idle),
    b"NOTIFY": read_notify,
    # RFC 9051 §6.4
    b"CHECK": _bare(Check),
    b"CLOSE": _bare(Close),
    b"UNSELECT": _bare(Unselect),
    b"EXPUNGE": _bare(Expunge),
    b"FETCH": read_fetch,
    b"SEARCH": read_search,
    b"SORT": read_sort,
    b"ESEARCH": read_multisearch,
    b"CANCELUPDATE": read_cancel_update,
    b"THREAD": read_thread,
    b"STORE": read_store,
    b"COPY": read_copy,
    b"MOVE": read_move,
    b"REPLACE": read_replace,  # as APPEND
    b"UID": _read_uid,
}
UID_GRAMMAR: Final[Mapping[bytes, Grammar]] = {
    b"EXPUNGE": read_uid_expunge,
    b"FETCH": read_uid_fetch,
    b"SEARCH": read_uid_search,
    b"SORT": read_uid_sort,
    b"THREAD": read_uid_thread,
    b"STORE": read_uid_store,
    b"COPY": read_uid_copy,
    b"MOVE": read_uid_move,
    b"REPLACE": partial(read_replace, by_uid=True),
}


def parse_command(parts: Sequence[bytes], *, utf8: bool = False) -> Command:
    """Return the command that a `CommandReady` holds.

    Args:
        parts: Its parts.
        utf8: Whether quoted strings may hold UTF-8.

    Raises:
        BadSyntax: It is not one of ours. ``tag`` is set if it has one.
    """
    return _parse(parts, utf8=utf8, read=_read_command)


def parse_append(parts: Sequence[bytes], *, utf8: bool = False) -> Append:
    """Return the command that an `AppendAnnounced` begins.

    Raises:
        BadSyntax: As for `parse_command`.
    """
    return _parse(parts, utf8=utf8, read=_read_announced)


def _read_command(lexer: Lexer, tag: Tag) -> Command:
    return _read_named(GRAMMAR, lexer, tag)


def _read_announced(lexer: Lexer, tag: Tag) -> Append:
    name = lexer.name("command")
    if name == b"APPEND":
        return read_append(lexer, tag, announced=True)
    by_uid = name == b"UID"
    if by_uid:
        lexer.space()
        lexer.name("command")
    return read_replace(lexer, tag, by_uid=by_uid, announced=True)


def _parse(parts: Sequence[bytes], *, utf8: bool, read: Callable[[Lexer, Tag], C]) -> C:
    tag = leading_tag(parts[0])
    if tag is None:
        raise BadSyntax("tag", parts[0])
    lexer = Lexer(parts, utf8=utf8)
    try:
        lexer.expect(tag)
        lexer.space()
        command = read(lexer, tag)
        lexer.end()
    except BadSyntax as error:
        error.tag = tag
        raise
    return command


def _read_named(table: Mapping[bytes, Grammar], lexer: Lexer, tag: Tag) -> Command:
    name = lexer.name("command")
    grammar = table.get(name)
    if grammar is None:
        raise BadSyntax("command", name)
    return grammar(lexer, tag)
