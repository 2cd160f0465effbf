"""What `imapbox deliver` makes of its input and of a refusal."""

import io
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from imapbox.app.command import main
from imapbox.app.deliver import crlf_pieces, status_of
from imapbox.lmtp.refusals import STATUS, too_late
from imapbox.model.errors import MailLoop, MessageTooBig, NoSuchUser
from imapbox.wire.lmtp.replies import reply

LINES = st.lists(st.sampled_from([b"", b"x", b".", b"\r", b"\n", b"\r\n", b"x\r\n"]))


@given(LINES, st.integers(1, 5))
def test_every_line_ends_in_crlf(lines: list[bytes], block: int) -> None:
    """However the message is read, its lines end in CRLF and nothing else changes."""
    message = b"".join(lines)
    source = io.BytesIO(message)
    got = b"".join(crlf_pieces(lambda: source.read(block)))
    whole = re.sub(rb"\r?\n", b"\r\n", message)
    if whole and not whole.endswith(b"\r\n"):
        whole += b"\n" if whole.endswith(b"\r") else b"\r\n"
    assert got == whole


@pytest.mark.parametrize("error", STATUS, ids=lambda error: error.__name__)
def test_only_what_can_never_pass_is_given_up(error: type[Exception]) -> None:
    """A message is given up only where LMTP would give it up, too."""
    expected = {NoSuchUser: 67, MailLoop: 69, MessageTooBig: 69}.get(error, 75)
    assert status_of(reply(STATUS[error], "<a> Words.")) == expected


def test_the_other_replies() -> None:
    """Stored is 0; a delivery without an end is tried again."""
    assert status_of(reply("250 2.0.0", "<a> Saved uid=1")) == 0
    assert status_of(too_late("a")) == 75


@pytest.mark.parametrize(
    "option",
    [
        "--quota-storage=-1",
        "--quota-messages=0",
        "--quota-messages=1073741825",
        "--message-limit=1025",
    ],
)
def test_what_the_server_would_not_take(option: str, tmp_path: Path) -> None:
    """A limit that twistd imapbox refuses is refused, with a reason to try again."""
    words = ["deliver", "--store", str(tmp_path), option, "ana"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 75
    assert "is not in the range" in result.output
