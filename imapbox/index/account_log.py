"""The log of an account, for whoever writes to it."""

from imapbox.index.account_state import AccountState
from imapbox.index.commit import Log


def account_log(directory: str, features: int = 0) -> Log:
    """Return an account's log.

    Args:
        directory: Where it lies.
        features: Incompatible ones of what is written to it.
    """
    return Log(directory, AccountState, features, sheds=True)
