"""Accounts that are not ours, behind our server.

`ForeignLogins` takes the portal of a Twisted application whose avatars provide
twisted.mail's `IAccount`, and lets `imapbox.imap.factory.IMAPFactory` serve them.
Offered is what their interfaces provide: docs/embedding.md lists it. Open `logins`
first, then `mailbox`.
"""

from imapbox.foreign.logins import ForeignLogins

__all__ = ["ForeignLogins"]
