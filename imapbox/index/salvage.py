"""Reading on in a damaged log whose head does not say how far it goes.

After power loss the head of a damaged mailbox may be an older one, torn, or
not there; and nobody may settle the log. Behind what it says, or in the last
segment if it is lost, the log is read as far as its frames and their bodies
check. Nothing is written.
"""

from collections.abc import Callable

from imapbox.disk import steps
from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Steps
from imapbox.index.frame import Frame
from imapbox.index.head import Head, Position
from imapbox.index.read import switch_of
from imapbox.index.segment import segment_name
from imapbox.index.whole_frame import whole_frame


def read_behind(
    directory: str, head: Head, apply: Callable[[Frame], None]
) -> Steps[Head]:
    """Give ``apply`` each whole frame behind ``head``.

    Returns:
        What a head would say that is behind all of them.
    """
    following: Position | None = head.position
    while following is not None:
        head = head._replace(position=following)
        head, following = yield from _read_segment(directory, head, apply)
    return head


def _read_segment(
    directory: str, head: Head, apply: Callable[[Frame], None]
) -> Steps[tuple[Head, Position | None]]:
    def read(fd: int) -> Steps[tuple[Head, Position | None]]:
        here = head
        while found := (yield from whole_frame(fd, here.position)):
            frame, _ = found
            apply(frame)
            here = here._replace(position=frame.end, counts=frame.counts)
            if following := switch_of(frame):
                return here, following
        return here, None

    path = f"{directory}/{segment_name(head.position.segment)}"
    try:
        return (yield from steps.opened(path, Mode.READ, read))
    except FileNotFoundError:
        return head, None
