"""`imapbox quota`: what an account may hold, shown and set."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from imapbox.app.command import main
from imapbox.app.quota import amount, lines
from imapbox.model.quota import NO_QUOTA, Quota, Usage


@pytest.mark.parametrize(
    ("text", "octets"),
    [("0", 0), ("10000", 10000), ("500M", 500 << 20), ("2g", 2 << 30), ("1T", 1 << 40)],
)
def test_amounts_have_units(text: str, octets: int) -> None:
    """An amount is a number, or one of K, M, G or T."""
    assert amount(text) == octets


@pytest.mark.parametrize(
    "text", ["", "M", "-1", "1.5G", "1 G", "1P", "\uff11", "1" * 13, "8388608T"]
)
def test_what_is_no_amount_is_said(text: str, tmp_path: Path) -> None:
    """What is no amount is refused in a sentence, and no store is opened."""
    words = ["quota", "--store", str(tmp_path), f"--storage={text}", "ana"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2
    assert "is no amount: 500M is one" in result.output


def test_what_is_shown() -> None:
    """What is held and may be is said in words that people read."""
    said = lines(Quota(1 << 30, None), Usage(1536, 7))
    assert said == ["storage: 1.5 KiB of 1.0 GiB", "messages: 7 of none"]
    assert lines(NO_QUOTA, Usage(0, 0))[0] == "storage: 0 octets of none"
