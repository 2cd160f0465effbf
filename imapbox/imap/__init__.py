"""A connection: states, session, handlers, and the Twisted protocol.

Bytes become commands in `wire.imap`; mail is reached through the ports in
`mailbox.interfaces`. `converse` in `dialogue` is the whole of a connection:
open it first, then `dispatch` with its table of handlers. `protocol` and
`factory` are all that Twisted sees.
"""
