"""Who is left out of a copy of a store leaves nothing in it.

Else there would be mailboxes without an account, which is damage.
"""

from imapbox.disk import steps
from imapbox.disk.steps import Steps
from imapbox.model.names import UserName
from imapbox.store.layout import user_directory, user_shard
from imapbox.store.store_copy import there


def leave_out(user: UserName) -> Steps[None]:
    """Remove what was copied of a user before it failed, durably."""
    try:
        yield from _remove(there(user_directory(user)))
        yield from steps.sync_directory(there(user_shard(user)))
    except FileNotFoundError:
        return  # it failed at once


def _remove(directory: str) -> Steps[None]:
    for name in (yield from steps.list_directory(directory)):
        path = f"{directory}/{name}"
        if (yield from steps.status(path)).is_directory:
            yield from _remove(path)
        else:
            yield from steps.unlink(path)
    yield from steps.remove_directory(directory)
