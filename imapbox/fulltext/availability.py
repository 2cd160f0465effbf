"""Whether there is a full-text index at all, and which.

tantivy is imported by nobody who does not need it: it comes with the extra
``fulltext``.
"""

from functools import cache
from importlib.util import find_spec
from typing import Final

# Of how indexes are laid out, and of what a word is. An index of another version
# is thrown away, and made anew.
VERSION: Final = 1


@cache
def is_installed() -> bool:
    """Say whether the extra ``fulltext`` is installed."""
    return find_spec("tantivy") is not None
