"""Which handler obeys which command, and what is told besides: one table."""

from collections.abc import Awaitable, Callable, Mapping
from enum import Enum, auto
from typing import Any, Final, NamedTuple

from imapbox.imap.answers import Done
from imapbox.imap.changes import sync
from imapbox.imap.handlers import (
    acl,
    any_state,
    append,
    authenticate,
    cancel_update,
    compress,
    copying,
    enable,
    fetch,
    flags,
    identity,
    idle,
    listing,
    login,
    mailboxes,
    metadata,
    multisearch,
    notify,
    quota,
    search,
    select,
    start_tls,
    status,
    thread,
    unauthenticate,
    urlauth,
)
from imapbox.imap.offered import check_offered
from imapbox.imap.session import Session
from imapbox.imap.states import check_permitted
from imapbox.imap.uid_only import check_names_uids
from imapbox.wire.imap.commands.acl import (
    DeleteAcl,
    GetAcl,
    ListRights,
    MyRights,
    SetAcl,
)
from imapbox.wire.imap.commands.any_state import Capability, Logout, Noop
from imapbox.wire.imap.commands.append import Append, Replace
from imapbox.wire.imap.commands.authenticated import (
    Create,
    Delete,
    Examine,
    Idle,
    Namespace,
    Rename,
    Select,
    Subscribe,
    Unauthenticate,
    Unsubscribe,
)
from imapbox.wire.imap.commands.cancel_update import CancelUpdate
from imapbox.wire.imap.commands.command import Command
from imapbox.wire.imap.commands.compress import Compress
from imapbox.wire.imap.commands.copying import Copy, Move
from imapbox.wire.imap.commands.enable import Enable
from imapbox.wire.imap.commands.identity import Id
from imapbox.wire.imap.commands.listing import List, Lsub
from imapbox.wire.imap.commands.metadata import GetMetadata, SetMetadata
from imapbox.wire.imap.commands.multisearch import MultiSearch
from imapbox.wire.imap.commands.not_authenticated import Authenticate, Login, StartTls
from imapbox.wire.imap.commands.notify import Notify
from imapbox.wire.imap.commands.quota import GetQuota, GetQuotaRoot, SetQuota
from imapbox.wire.imap.commands.search import Asking, Search
from imapbox.wire.imap.commands.selected import (
    Check,
    Close,
    Expunge,
    Fetch,
    Store,
    Unselect,
)
from imapbox.wire.imap.commands.sort import Sort
from imapbox.wire.imap.commands.status import Status
from imapbox.wire.imap.commands.thread import Thread
from imapbox.wire.imap.commands.urlauth import GenUrlAuth, ResetKey, UrlFetch
from imapbox.wire.imap.events import AppendAnnounced


class Tells(Enum):
    """What the client is told besides, once the command was obeyed."""

    NOTHING = auto()
    CHANGES = auto()


class Row(NamedTuple):
    """How a command is obeyed."""

    handler: Callable[[Session, Any], Awaitable[Done]]
    tells: Tells


HANDLERS: Final[Mapping[type[Command], Row]] = {
    # RFC 9051 §6.1
    Capability: Row(any_state.capability, Tells.CHANGES),
    Noop: Row(any_state.noop, Tells.NOTHING),
    Logout: Row(any_state.logout, Tells.NOTHING),
    Id: Row(identity.identify, Tells.CHANGES),
    # RFC 9051 §6.2
    StartTls: Row(start_tls.start_tls, Tells.NOTHING),
    Authenticate: Row(authenticate.authenticate, Tells.NOTHING),
    Login: Row(login.login, Tells.NOTHING),
    # RFC 9051 §6.3
    Enable: Row(enable.enable, Tells.CHANGES),
    Unauthenticate: Row(unauthenticate.unauthenticate, Tells.NOTHING),
    Compress: Row(compress.compress, Tells.NOTHING),
    Select: Row(select.select, Tells.NOTHING),
    Examine: Row(select.examine, Tells.NOTHING),
    Create: Row(mailboxes.create, Tells.CHANGES),
    Delete: Row(mailboxes.delete, Tells.CHANGES),
    Rename: Row(mailboxes.rename, Tells.CHANGES),
    Subscribe: Row(mailboxes.subscribe, Tells.CHANGES),
    Unsubscribe: Row(mailboxes.unsubscribe, Tells.CHANGES),
    List: Row(listing.list_, Tells.CHANGES),
    Lsub: Row(listing.lsub, Tells.CHANGES),
    Namespace: Row(listing.namespace, Tells.CHANGES),
    Status: Row(status.status, Tells.CHANGES),
    GetQuota: Row(quota.get_quota, Tells.CHANGES),
    GetQuotaRoot: Row(quota.get_quota_root, Tells.CHANGES),
    SetQuota: Row(quota.set_quota, Tells.CHANGES),
    GetMetadata: Row(metadata.get_metadata, Tells.CHANGES),
    SetMetadata: Row(metadata.set_metadata, Tells.CHANGES),
    Append: Row(append.append, Tells.CHANGES),
    GenUrlAuth: Row(urlauth.genurlauth, Tells.CHANGES),
    ResetKey: Row(urlauth.resetkey, Tells.CHANGES),
    UrlFetch: Row(urlauth.urlfetch, Tells.CHANGES),
    SetAcl: Row(acl.set_acl, Tells.CHANGES),
    DeleteAcl: Row(acl.delete_acl, Tells.CHANGES),
    GetAcl: Row(acl.get_acl, Tells.CHANGES),
    ListRights: Row(acl.list_rights, Tells.CHANGES),
    MyRights: Row(acl.my_rights, Tells.CHANGES),
    Idle: Row(idle.idle, Tells.NOTHING),
    Notify: Row(notify.notify, Tells.NOTHING),
    # RFC 9051 §6.4
    Check: Row(any_state.noop, Tells.NOTHING),
    Close: Row(select.close, Tells.NOTHING),
    Unselect: Row(select.unselect, Tells.NOTHING),
    Expunge: Row(flags.expunge, Tells.CHANGES),
    Fetch: Row(fetch.fetch, Tells.CHANGES),
    Search: Row(search.search, Tells.CHANGES),
    Sort: Row(search.search, Tells.CHANGES),
    Thread: Row(thread.thread, Tells.CHANGES),
    MultiSearch: Row(multisearch.multisearch, Tells.CHANGES),
    CancelUpdate: Row(cancel_update.cancel_update, Tells.CHANGES),
    Store: Row(flags.store, Tells.CHANGES),
    Copy: Row(copying.copy, Tells.CHANGES),
    Move: Row(copying.move, Tells.CHANGES),
    Replace: Row(append.replace, Tells.CHANGES),
}


async def obey(
    session: Session, command: Command, message: AppendAnnounced | None
) -> Done:
    """Do what a command asks for.

    Args:
        session: Who asks.
        command: What for.
        message: For an APPEND, its announced message.

    Raises:
        WrongState: It has no place now.
        Refused: The session declines it.
        Mistaken: The client made a mistake.
        MailError: The store declines it.
    """
    check_permitted(command.name, session.state)
    check_offered(command, session.lacks)
    if session.dialect.uids_only:
        check_names_uids(command)
    if tells_changes(command):
        await session.check_readable()
    if isinstance(command, Replace) and message is not None:
        return await append.replace(session, command, message)
    if isinstance(command, Append) and message is not None:
        return await append.append(session, command, message)
    return await HANDLERS[type(command)].handler(session, command)


def tells_changes(command: Command) -> bool:
    """Say whether the client is told what changed, besides."""
    return HANDLERS[type(command)].tells is Tells.CHANGES


async def tell_changes(session: Session, command: Command) -> None:
    """Tell what changed, as far as it may be told with this command.

    Raises:
        MailError: It could not be found out.
    """
    # Who does not want to be told of others wants to be of what it did itself.
    forced = isinstance(command, Expunge | Move | Replace)
    await sync(session, may_expunge=not _names_positions(command), forced=forced)


def _names_positions(command: Command) -> bool:
    """Say whether no position may move while ``command`` is answered.

    RFC 9051 §7.5.1.
    """
    if isinstance(command, Asking):
        return command.names_positions  # RFC 7162 §3.2.10.2
    # UID FETCH and the like name none: RFC 9051 §6.4.9.
    return isinstance(command, Fetch | Store) and not command.by_uid
