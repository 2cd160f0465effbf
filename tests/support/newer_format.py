"""What an imapbox of later has written, for those that come before it."""

import struct
import zlib
from pathlib import Path
from typing import Final

# Where a segment, a snapshot of the index and the store file have these.
_VERSION: Final = 8
_INCOMPATIBLE: Final = 14
# What the first and the last of them check themselves with; a snapshot does it
# behind its end, which nobody looks at whose format it is not.
_CHECKED: Final = 60
_SUM: Final = struct.Struct("<I")


def of_newer_version(path: Path) -> None:
    """Let a file be of the format's next version."""
    _change(path, _VERSION, 2)


def with_newer_feature(path: Path) -> None:
    """Let a file have a feature that whoever reads it must know."""
    _change(path, _INCOMPATIBLE, 1 << 15)


def _change(path: Path, at: int, value: int) -> None:
    data = bytearray(path.read_bytes())
    struct.pack_into("<H", data, at, value)
    if not path.name.startswith("snap."):
        _SUM.pack_into(data, _CHECKED, zlib.crc32(data[:_CHECKED]))
    path.write_bytes(data)
