"""The octets of all messages of a mailbox, read without a server."""

from pathlib import Path

from imapbox.disk.disk_filesystem import DiskFileSystem
from imapbox.disk.steps import perform_patiently
from imapbox.index.body import Span, read_bodies
from imapbox.index.mailbox_state import MailboxState
from imapbox.index.opening import open_log
from imapbox.index.settings import Settings


def stored_mail(store: Path, directory: Path) -> dict[int, bytes]:
    """Return the messages of a mailbox by UID; each must be what was stored."""
    files = DiskFileSystem(str(store))
    settings = Settings(files.boot, files.node, files.pid)
    path = str(directory.relative_to(store))
    opened = perform_patiently(open_log(path, settings, MailboxState), files)
    columns = opened.state.columns
    rows = columns.alive_rows()
    spans = [Span(place, 0, place.size) for place in columns.places(rows)]
    bodies = perform_patiently(read_bodies(path, spans), files)
    assert None not in bodies, "a message is not what was stored"
    return dict(zip(columns["uid"][rows].tolist(), bodies, strict=True))
