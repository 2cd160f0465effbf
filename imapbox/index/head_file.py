"""The file ``head`` of a log, for who wants to know what it says now.

Who follows a log keeps it open, and looks at it with `read.look`.
"""

from typing import Final

from imapbox.disk import steps
from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Steps
from imapbox.index.head import Head
from imapbox.index.read import read_head

HEAD: Final = "head"


def head_octets(directory: str) -> Steps[bytes]:
    """Return the octets of a log's head, as many as there are; none if it is lost.

    Raises:
        OSError: It can't be read.
    """
    try:
        return (yield from steps.opened(f"{directory}/{HEAD}", Mode.READ, read_head))
    except FileNotFoundError:
        return b""


def head_of(directory: str) -> Steps[Head | None]:
    """Return a log's head; None if it is lost, or torn.

    Raises:
        OSError: It can't be read.
    """
    return Head.decode((yield from head_octets(directory)))
