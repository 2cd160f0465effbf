"""What calls the operating system is tested on the machine's own disk."""

from pathlib import Path

import pytest


@pytest.fixture
def tmp_path(on_disk: Path) -> Path:
    """Return a directory that is not in memory."""
    return on_disk
