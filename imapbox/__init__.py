"""imapbox: an IMAP4 server and LMTP deliverer for Twisted."""

__version__ = "0.1.0"
