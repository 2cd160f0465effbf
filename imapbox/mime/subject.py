"""The base subject: what is left of a subject without Re: and Fwd:.

RFC 5256 §2.1, whose rules these are::

    subj-leader = (*subj-blob subj-refwd) / WSP
    subj-blob   = "[" *BLOBCHAR "]" *WSP
    subj-refwd  = ("re" / ("fw" ["d"])) *WSP [subj-blob] ":"
    subj-fwd    = "[fwd:" subject "]"
    subj-trailer = "(fwd)" / WSP
"""

import re
from typing import Final

# Longer ones are compared by so many characters.
_MAX_LENGTH: Final = 1000

_BLOB = r"\[[^\[\]]*+\]\s*+"
_LEADER = re.compile(rf"(?:{_BLOB})*+(?:re|fwd?)\s*+(?:{_BLOB})?+:\s*+", re.IGNORECASE)
_FIRST_BLOB = re.compile(rf"{_BLOB}(?=.)", re.DOTALL)
_FORWARD: Final = "[fwd:"


def base_subject(subject: str) -> str:
    """Return the base of a decoded subject, in the case it was given in."""
    return _strip(subject)[0]


def is_reply(subject: str) -> bool:
    """Say whether a subject is that of a reply or a forward. RFC 5256 §3."""
    return _strip(subject)[1]


def _strip(subject: str) -> tuple[str, bool]:
    """Return what is left, and whether more than blobs was removed."""
    text = " ".join(subject[:_MAX_LENGTH].split())
    is_answer = False
    while True:
        before = text
        while text.lower().endswith("(fwd)"):
            text = text[:-5].rstrip()
            is_answer = True
        if leader := _LEADER.match(text):
            text = text[leader.end() :]
            is_answer = True
        elif blob := _FIRST_BLOB.match(text):
            text = text[blob.end() :]
        elif text.lower().startswith(_FORWARD) and text.endswith("]"):
            text = text[len(_FORWARD) : -1].strip()
            is_answer = True
        if text == before:
            return text, is_answer
