"""Who has an account on the servers of the interop tests."""

from typing import Final

PASSWORDS: Final = {"alice": "wonderland", "bob": "builder", "carol": "christmas"}
