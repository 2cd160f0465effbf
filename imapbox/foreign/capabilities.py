"""What a foreign account's client is offered.

All that our engine makes of octets, flags and UIDs; nothing that needs modseqs, ids,
UIDs of what was just stored, or a word with the account that its interfaces don't
have. Whatever the engine learns besides is lacking here until it is named.
"""

from typing import Final

from imapbox.imap.capabilities import AFTER_LOGIN, ALWAYS

HAS: Final = frozenset(
    {
        "IMAP4rev1",
        "LITERAL+",
        "ID",
        "IDLE",
        "BINARY",
        "CHILDREN",
        "COMPRESS=DEFLATE",
        "ENABLE",
        "ESEARCH",
        "ESORT",
        "I18NLEVEL=1",
        "INPROGRESS",
        "LIST-EXTENDED",
        "LIST-STATUS",
        "MULTISEARCH",
        "NAMESPACE",
        "PARTIAL",
        "PREVIEW",
        "SEARCHRES",
        "SORT",
        "SORT=DISPLAY",
        "THREAD=ORDEREDSUBJECT",
        "THREAD=REFERENCES",
        "UNAUTHENTICATE",
        "UNSELECT",
        "UTF8=ACCEPT",
        "WITHIN",
    }
)
LACKS: Final = frozenset({*ALWAYS, *AFTER_LOGIN}) - HAS
