"""imapbox: an IMAP4 server and LMTP deliverer for Twisted.

`MailboxRealm` and `Store` are for Twisted applications with mailboxes of their
own; docs/embedding.md shows how. They are loaded when they are asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:  # what the lazy names below are, for who reads or checks types
    from imapbox.auth.realm import MailboxRealm
    from imapbox.store.store import Store

__all__ = ["MailboxRealm", "Store", "__version__"]
__version__ = "0.1.0"

_HOME: Final = {
    "MailboxRealm": "imapbox.auth.realm",
    "Store": "imapbox.store.store",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(_HOME[name]), name)
