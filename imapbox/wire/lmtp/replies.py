"""Replies: ``250 2.1.0 Sender is fine``.

A reply is a code, an enhanced code and text. Nothing that a client said gets
into one unless it is printable ASCII: `reply` is the only way to make one.

See Also:
    RFC 5321 §4.2 (codes), RFC 3463 §3 (enhanced codes), RFC 2034 §3 and §4
    (where they are not used: the greeting, LHLO, and 354).
"""

import re
from collections.abc import Mapping
from typing import Final

from imapbox.wire.lmtp.commands import (
    XFORWARDED,
    BadArguments,
    BadChunkSize,
    BadCommand,
    BadForwardPath,
    BadReversePath,
    UnknownCommand,
    UnknownParameter,
    Verb,
)

# RFC 5321 §4.5.3.1.5: 512 octets, code and CRLF included.
_MAX_TEXT: Final = 480
_UNPRINTABLE = re.compile(r"[^ -~]")


def reply(status: str, *lines: str) -> bytes:
    """Return a reply, one line or several.

    Args:
        status: The code, and the enhanced code if there is one: "250 2.1.0".
        lines: The text. What is not printable ASCII becomes "?", and what is
            too long is cut.
    """
    code, _, enhanced = status.partition(" ")
    before = f"{enhanced} " if enhanced else ""
    *more, last = (_UNPRINTABLE.sub("?", line[:_MAX_TEXT]) for line in lines)
    text = "".join(f"{code}-{before}{line}\r\n" for line in more)
    return f"{text}{code} {before}{last}\r\n".encode("ascii")


def greeting(hostname: str) -> bytes:
    """Return what the server says first."""
    return reply("220", f"{hostname} imapbox LMTP")


def capabilities(hostname: str, size: int, *, xforward: bool) -> bytes:
    """Return the answer to LHLO: what we offer. RFC 2033 §4.1.

    Args:
        hostname: Of this server.
        size: The largest message we take, in octets. RFC 1870 §4.
        xforward: Whether we believe what the client says of other clients.
    """
    trusted = (f"XFORWARD {' '.join(XFORWARDED)}",) if xforward else ()
    return reply(
        "250",
        hostname,
        "PIPELINING",
        "8BITMIME",
        "CHUNKING",
        "SMTPUTF8",
        f"SIZE {size}",
        "ENHANCEDSTATUSCODES",
        *trusted,
    )


SENDER_IS_FINE: Final = reply("250 2.1.0", "Sender is fine.")
FORWARDED: Final = reply("250 2.0.0", "Noted for the next message.")
NOT_TRUSTED: Final = reply("550 5.7.0", "Not from you: XFORWARD is not offered here.")
SEND_MESSAGE: Final = reply("354", "Send the message; end it with a dot.")

TO_BARE: Final[Mapping[Verb, bytes]] = {
    Verb.RSET: reply("250 2.0.0", "Forgotten."),
    Verb.NOOP: reply("250 2.0.0", "Here."),
    # RFC 5321 §3.5.3: a server that does not look may not say 250.
    Verb.VRFY: reply("252 2.0.0", "Try RCPT."),
    Verb.HELP: reply("214 2.0.0", "RFC 2033.", " ".join(verb.value for verb in Verb)),
    Verb.QUIT: reply("221 2.0.0", "Bye."),
}

BARE_LINE_ENDING: Final = reply("500 5.5.2", "Lines end with CRLF, only.")
LINE_TOO_LONG: Final = reply("500 5.5.2", "The line is too long.")
TOO_MANY_RECIPIENTS: Final = reply("452 4.5.3", "Too many recipients; send them later.")
SHUTTING_DOWN: Final = reply("421 4.3.2", "The server goes down; try again.")
TOO_MANY_CONNECTIONS: Final = reply("421 4.3.2", "Too many connections; try again.")
TOO_MANY_MISTAKES: Final = reply("421 4.7.0", "Too many mistakes.")
TOO_SLOW: Final = reply("421 4.4.2", "Waited too long.")
OUR_FAULT: Final = reply("421 4.3.0", "Something went wrong here; try again.")

BAD_COMMAND: Final[Mapping[type[BadCommand], bytes]] = {
    UnknownCommand: reply("500 5.5.1", "No such command. This is LMTP: say LHLO."),
    BadArguments: reply("501 5.5.4", "The command's arguments can't be read."),
    BadChunkSize: reply("501 5.5.4", "A chunk of this size can't be read; bye."),
    BadReversePath: reply("501 5.1.7", "The sender's address can't be read."),
    BadForwardPath: reply("501 5.1.3", "The recipient's address can't be read."),
    UnknownParameter: reply("555 5.5.4", "This parameter is not offered."),
}


def chunk_taken(size: int) -> bytes:
    """Return the acceptance of a chunk that is not the last. RFC 3030 §2."""
    return reply("250 2.0.0", f"{size} octets taken.")


def recipient_is_fine(address: str) -> bytes:
    """Return the acceptance of a forward path."""
    return reply("250 2.1.5", f"<{address}> Recipient is fine.")


def out_of_order(expected: Verb) -> bytes:
    """Return the refusal of a command that has no place before ``expected``."""
    return reply("503 5.5.1", f"Not now: {expected.value} comes first.")
