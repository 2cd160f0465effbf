"""The format of what lies on the disk: ``docs/formats``."""

from typing import Final

from imapbox.model.errors import UnknownFormat

FORMAT_VERSION: Final = 1


def check_format(version: int, *features: int) -> None:
    """Refuse what an imapbox wrote whose format this one does not know.

    Args:
        version: What was read.
        features: The bits that were read and that have to be known.

    Raises:
        UnknownFormat: It is of another version, or has features; none is
            defined yet.
    """
    if version != FORMAT_VERSION or any(features):
        raise UnknownFormat(version, *features)
