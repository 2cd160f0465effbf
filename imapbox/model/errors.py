"""What can go wrong with mail, said once.

The docstring of each class is the sentence that a client reads. IMAP and LMTP
each word them in a table of their own (``refusals.py``); a test holds both
tables to the full set.
"""


class MailError(Exception):
    """A request that imapbox understood and declined."""

    def sentence(self) -> str:
        """Return the text for the client: no path, no name, nothing secret."""
        return (type(self).__doc__ or "").partition("\n")[0]


class NoSuchMailbox(MailError):
    """No mailbox has this name."""


class MailboxExists(MailError):
    """A mailbox of this name exists already."""


class MailboxNameRefused(MailError):
    """A mailbox can not have this name."""


class MailboxHasChildren(MailError):
    """The mailbox has mailboxes below it."""


class MailboxGone(MailError):
    """The mailbox is not there any more."""


class MailboxReadOnly(MailError):
    """The mailbox was opened for reading only."""


class NotPermitted(MailError):
    """You have no right to do that."""


class RightsRefused(MailError):
    """These rights can not be given or taken."""


class TooManyRights(MailError):
    """Rights were given to as many as can have some."""


class TooManyMailboxes(MailError):
    """There are as many mailboxes as an account may have."""


class TooMuchInADay(MailError):
    """More was added to this account than it takes in a day; it takes more tomorrow."""


class TooManySubscriptions(MailError):
    """There are as many subscriptions as an account may have."""


class NoSuchUser(MailError):
    """No such user here."""


class MailboxBusy(MailError):
    """Another writer kept the mailbox longer than we were willing to wait."""

    def __init__(self, holder: str = "") -> None:
        super().__init__(holder)
        self.holder = holder


class DiskFull(MailError):
    """There is no room on the disk for this now."""


class QuotaExceeded(MailError):
    """The account may not hold that much: its quota is reached."""


class MailboxDamaged(MailError):
    """The mailbox is damaged and takes no changes until it is repaired."""


class StoreReadOnly(MailError):
    """The mail store can not be written to now."""


class StoreFailure(MailError):
    """The mail store failed; please try again later."""


class StoreFenced(StoreFailure):
    """This server lost its mail store and ends the connection."""


class FileSystemUnfit(StoreFailure):
    """The file system of the mail store is not fit for it."""

    def __init__(self, flaw: str = "") -> None:
        super().__init__(flaw)
        self.flaw = flaw

    def sentence(self) -> str:
        """Say what is wrong with it, too, if that is known."""
        sentence = super().sentence()
        return f"{sentence.rstrip('.')}: {self.flaw}." if self.flaw else sentence


class UnknownFormat(MailError):
    """The mail store is of a format that this imapbox does not know."""

    def __init__(self, version: int | None = None, *features: int) -> None:
        super().__init__(version, *features)
        self.version = version

    def sentence(self) -> str:
        """Say whose format it is, too."""
        whose = "a newer imapbox" if self.version else "an imapbox before its release"
        return f"{super().sentence().rstrip('.')}: it was written by {whose}."


class NumbersExhausted(MailError):
    """The mailbox has no numbers left for new messages or changes."""


class TooManyKeywords(MailError):
    """The mailbox has no room for another keyword."""


class TooManyAnnotations(MailError):
    """There is no room for more annotations."""


class NoPrivateAnnotations(MailError):
    """In a mailbox of others you can note nothing for yourself."""


class MessageTooBig(MailError):
    """The message is larger than this server accepts."""


class MessageGone(MailError):
    """Some messages were expunged."""


class MessageDamaged(MailError):
    """Some messages are damaged; they are not told."""


class TooMuchAtOnce(MailError):
    """These are too many messages for one command; name fewer of them."""


class SearchTextTooLong(MailError):
    """This text is too long to be searched for; 4,096 characters are the most."""


class MailLoop(MailError):
    """The message was delivered here before: mail loop."""
