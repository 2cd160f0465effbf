"""Who has mail in a store."""

from imapbox.disk import steps
from imapbox.disk.steps import Steps
from imapbox.model.names import UserName
from imapbox.store.create import account_is_made
from imapbox.store.layout import USERS, decode_user, user_directory


def users_with_account() -> Steps[list[UserName]]:
    """Return the users whose account was made; what is no user's is passed over."""
    found: list[UserName] = []
    for user in (yield from users_with_directory()):
        found += [user] if (yield from account_is_made(user)) else []
    return found


def users_with_directory() -> Steps[list[UserName]]:
    """Return the users of whom there is anything; what is no user's is passed over."""
    found: list[UserName] = []
    for shard in (yield from steps.list_directory(USERS)):
        for name in (yield from steps.list_directory(f"{USERS}/{shard}")):
            try:
                user = decode_user(name)
            except UnicodeError:
                continue
            if user_directory(user) == f"{USERS}/{shard}/{name}":
                found.append(user)
    return found
