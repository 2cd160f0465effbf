"""Sizes in words that people read."""

from typing import Final

_KILO: Final = 1024
_UNITS: Final = ("octets", "KiB", "MiB", "GiB", "TiB")


def size_in_words(octets: int) -> str:
    """Return a number of octets as ``1.5 MiB``."""
    amount = float(octets)
    for unit in _UNITS:
        if amount < _KILO or unit == _UNITS[-1]:
            break
        amount /= _KILO
    return f"{octets} {unit}" if unit == _UNITS[0] else f"{amount:.1f} {unit}"
