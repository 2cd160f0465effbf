"""A message's facts, from its octets."""

import zlib
from hashlib import blake2b
from typing import Final

from imapbox.disk.driver import Driver
from imapbox.disk.failures import of_spool
from imapbox.disk.spool import PIECE, Content
from imapbox.disk.steps import Steps
from imapbox.index.mailbox_transactions import Incoming
from imapbox.model.flags import Flag
from imapbox.model.message import InternalDate

EMAILID_SIZE: Final = 16


async def incoming(  # noqa: PLR0913 - a message's facts
    driver: Driver,
    header: bytes,
    content: Content,
    *,
    date: InternalDate | None = None,
    flags: Flag = Flag(0),  # noqa: B008 - a constant
    keywords: frozenset[str] = frozenset(),
) -> Incoming:
    """Return a message that is ready to be appended.

    Args:
        driver: Reads the octets that are in a file.
        header: Our own header lines.
        content: What was received.
        date: INTERNALDATE; None for the time of the commit.
        flags: System flags.
        keywords: Names.

    Raises:
        MailError: The octets can't be read.
    """
    if content.in_memory:
        emailid = blake2b(header + content.octets, digest_size=EMAILID_SIZE).digest()
    else:
        content.hold()
        try:
            emailid = await driver.run(_hash(header, content), content.release)
        except OSError as error:
            raise of_spool(error) from error
    return Incoming(
        header,
        zlib.crc32(header),
        content,
        emailid,
        date,
        flags,
        keywords,
        content.card,
    )


def _hash(header: bytes, content: Content) -> Steps[bytes]:
    digest = blake2b(header, digest_size=EMAILID_SIZE)
    for start in range(0, content.size, PIECE):
        digest.update((yield from content.read(PIECE, start)))
    return digest.digest()
