"""What is offered, and when. Only what is there is announced.

See Also:
    RFC 9051 §6.1.1 (CAPABILITY), §6.2.3 (LOGINDISABLED).
"""

from typing import Final

from imapbox.imap.states import State

# IDLE needs a login (RFC 9051 §6.3), but clients such as Python's imaplib ask what
# there is before theirs only.
ALWAYS: Final = ("IMAP4rev1", "IMAP4rev2", "LITERAL+", "ID", "IDLE")
AFTER_LOGIN: Final = (
    "ACL",
    "RIGHTS=texk",  # RFC 4314 §5.1.1: those that RFC 2086 had not
    "BINARY",
    "CATENATE",
    "CHILDREN",
    "COMPRESS=DEFLATE",
    "CONDSTORE",
    "CONTEXT=SEARCH",
    "CONTEXT=SORT",
    "CREATE-SPECIAL-USE",
    "ENABLE",
    "ESEARCH",
    "ESORT",
    "I18NLEVEL=1",
    "INPROGRESS",
    "LIST-EXTENDED",
    "LIST-MYRIGHTS",
    "LIST-STATUS",
    "METADATA",
    "MOVE",
    "MULTIAPPEND",
    "MULTISEARCH",
    "NAMESPACE",
    "NOTIFY",
    "OBJECTID",
    "PARTIAL",
    "PREVIEW",
    "QRESYNC",
    "QUOTA",
    "QUOTA=RES-MESSAGE",
    "QUOTA=RES-STORAGE",
    "REPLACE",
    "SAVEDATE",
    "SEARCH=FUZZY",
    "SEARCHRES",
    "SORT",
    "SORT=DISPLAY",
    "SPECIAL-USE",
    "STATUS=SIZE",
    "THREAD=ORDEREDSUBJECT",
    "THREAD=REFERENCES",
    "UIDONLY",
    "UIDPLUS",
    "UNAUTHENTICATE",
    "UNSELECT",
    "URL-PARTIAL",
    "URLAUTH",
    "UTF8=ACCEPT",
    "WITHIN",
)
# RFC 4959 §3 and RFC 9051 §6.2.2
_LOGIN: Final = ("SASL-IR", "AUTH=PLAIN")


def capabilities(
    state: State,
    *,
    may_start_tls: bool,
    may_login: bool,
    message_limit: int,
    lacks: frozenset[str] = frozenset(),
) -> tuple[str, ...]:
    """Return what a client in ``state`` is offered.

    Args:
        state: Where it stands.
        may_start_tls: Whether the connection can still be encrypted.
        may_login: Whether it may send a password as things are.
        message_limit: How large a message may be, octets: RFC 7889 §2.
        lacks: What whoever is logged in, or could be, does not have.
    """
    if state is not State.NOT_AUTHENTICATED:
        offered = (*ALWAYS, f"APPENDLIMIT={message_limit}", *AFTER_LOGIN)
    else:
        start_tls = ("STARTTLS",) if may_start_tls else ()
        login = _LOGIN if may_login else ("LOGINDISABLED",)
        offered = (*ALWAYS, *start_tls, *login)
    return tuple(name for name in offered if name not in lacks)
