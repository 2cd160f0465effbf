"""What twistd finds: `twistd imapbox`, and `--auth passwd:FILE` for all.

Loaded by every twistd to list what there is, so it imports nothing of ours.
"""

from twisted.application.service import ServiceMaker
from twisted.cred.credentials import IUsernamePassword
from twisted.cred.strcred import ICheckerFactory
from twisted.plugin import IPlugin
from zope.interface import implementer


@implementer(ICheckerFactory, IPlugin)
class PasswdCheckerFactory:
    """Makes checkers over a Dovecot passwd-file."""

    authType = "passwd"  # noqa: N815 - strcred's name
    authHelp = (  # noqa: N815 - strcred's name
        "A file with lines user:{SCHEME}hash, as Dovecot's passwd-file.\n"
        "Schemes: PLAIN, SHA512-CRYPT, BLF-CRYPT, ARGON2ID.\n"
        "`imapbox user add --passwd FILE` writes such lines."
    )
    argStringFormat = "FILE"  # noqa: N815 - strcred's name
    credentialInterfaces = (IUsernamePassword,)  # noqa: N815 - strcred's name

    def generateChecker(self, argstring):  # noqa: ANN001, ANN201, N802 - strcred's
        """Return a checker for the file that ``argstring`` names."""
        from imapbox.app.passwd import passwd_checker  # noqa: PLC0415 - heavy

        return passwd_checker(argstring)


imapbox = ServiceMaker(
    "imapbox",
    "imapbox.app.tap",
    "An IMAP4 server and LMTP deliverer.",
    "imapbox",
)
passwd = PasswdCheckerFactory()
