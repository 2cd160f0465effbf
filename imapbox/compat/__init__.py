"""Twisted's IMAP4Server, repaired, for those who must keep it.

`IMAP4Server` takes the place of `twisted.mail.imap4.IMAP4Server` and of nothing
else: same arguments, same attributes, any `IAccount`. With imapbox's realm it
also keeps the promise that the next NOOP tells. docs/embedding.md lists what
it repairs, and what it leaves: whoever is free to choose uses imapbox's own
server. Open `server` first.
"""

from imapbox.compat.server import IMAP4Server

__all__ = ["IMAP4Server"]
