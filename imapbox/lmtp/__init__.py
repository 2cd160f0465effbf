"""An LMTP connection: session, handlers, and the Twisted protocol on the edge.

A stranger to `imapbox.imap`. The wire format is `imapbox.wire.lmtp`'s. Open
`session` first, then `delivery`; `interfaces` says what the store must do.
"""
