"""The format of what lies on the disk: ``docs/formats``."""

from typing import Final

from imapbox.model.errors import UnknownFormat

FORMAT_VERSION: Final = 1


def check_format(version: int, *features: int, known: int = 0) -> None:
    """Refuse what an imapbox wrote whose format this one does not know.

    Args:
        version: What was read.
        features: The bits that were read and that have to be known.
        known: Those that are.

    Raises:
        UnknownFormat: It is of another version, or has other features.
    """
    if version != FORMAT_VERSION or any(bits & ~known for bits in features):
        raise UnknownFormat(version, *features)
