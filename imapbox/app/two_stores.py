"""What a command that uses a store and a copy of it says of an error: whose it is."""

from pathlib import Path
from typing import Final, NamedTuple

from imapbox.app.one_mailbox import reason
from imapbox.disk.failures import in_words, unworded
from imapbox.disk.two_roots import THERE, is_there
from imapbox.model.errors import DiskFull, MailError, StoreFenced, StoreReadOnly

# What is said of a whole disk does not say of which.
_WORDS: Final[dict[type[MailError], str]] = {
    DiskFull: "There is no room for this now on the disk of {}.",
    StoreReadOnly: "Nothing can be written now on the disk of {}.",
    StoreFenced: "The file system of {} is gone for now.",
}


class TwoStores(NamedTuple):
    """A mail store, and a copy of it: the two directories of a `TwoRoots`."""

    store: Path
    copy: Path

    def reason(self, error: MailError | OSError) -> str:
        """Say why something was not done, in a sentence for who runs the store."""
        words = _WORDS.get(type(in_words(error)))
        cause = in_words(error).__cause__
        if words is not None and isinstance(cause, OSError) and unworded(error) is None:
            return words.format(self._which(cause))
        said = reason(error).replace(f"{THERE}/", f"{self.copy}/")
        return said.replace(THERE, str(self.copy))  # itself

    def _which(self, error: OSError) -> str:
        store, copy = f"the mail store at {self.store}", f"the copy at {self.copy}"
        if isinstance(error.filename, str):
            return copy if is_there(error) else store
        # Copying from one to the other: nobody asks a file system that is gone.
        return f"{store} or of {copy}"
