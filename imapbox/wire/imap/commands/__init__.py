"""Commands as values, each beside the grammar that reads it.

One file for each of the RFC's groups of states. A new command is a dataclass
here and a row in `imapbox.wire.imap.parser`.
"""
