"""LMTP's bytes and values: framing, commands, replies.

Knows no socket and no clock. Open `framer` first: what ends a line, and what
ends a message, is decided there and nowhere else.

See Also:
    RFC 2033 (LMTP), RFC 5321 (SMTP, whose grammar it is).
"""
