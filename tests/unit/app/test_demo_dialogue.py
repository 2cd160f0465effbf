"""The demo's judgement: whether a NOOP told the truth."""

import email
import email.policy

import pytest

from imapbox.app.demo_dialogue import exists_in, noop_dialogue
from imapbox.app.demo_mail import MAIL


class Deliverer:
    def __init__(self) -> None:
        self.delivered = 0

    def deliver(self, sender: str, recipient: str, message: bytes) -> str:
        assert (sender, message) in MAIL
        self.delivered += 1
        return f"250 2.0.0 <{recipient}> Saved"


class Server:
    """Answers NOOP with what a function makes of the number of deliveries."""

    def __init__(self, deliverer: Deliverer, said) -> None:
        self.deliverer = deliverer
        self.said = said

    def command(self, text: str) -> list[bytes]:
        assert text == "NOOP"
        count = self.said(self.deliverer.delivered)
        told = [] if count is None else [b"* %d EXISTS\r\n" % count]
        return [*told, b"a1 OK NOOP completed.\r\n"]


@pytest.mark.parametrize(
    ("said", "true"),
    [
        (lambda delivered: delivered, 5),
        (lambda delivered: None if delivered == 3 else delivered, 4),
        (lambda delivered: delivered - 1, 0),
        (lambda delivered: delivered + 1, 0),
        (lambda _: None, 0),
    ],
)
def test_only_the_truth_is_counted(said, true: int) -> None:
    """A NOOP that is silent, late or early is not counted as true."""
    deliverer = Deliverer()
    lines: list[str] = []
    counted = noop_dialogue(
        Server(deliverer, said), deliverer, "ana@example.org", MAIL, lines.append
    )
    assert counted == true
    assert sum("That is not true" in line for line in lines) == 5 - true


@pytest.mark.parametrize(
    ("lines", "count"),
    [
        ([], None),
        ([b"a1 OK done\r\n"], None),
        ([b"* 3 EXISTS\r\n", b"* 1 RECENT\r\n"], 3),
        ([b"* 3 EXISTS\r\n", b"* 4 EXISTS\r\n"], 4),
        ([b'* 1 FETCH (BODY[] "* 9 EXISTS")\r\n'], None),
        ([b"* 3 EXISTS of something\r\n"], None),
    ],
)
def test_what_a_server_says_exists(lines: list[bytes], count: int | None) -> None:
    """Only an EXISTS response is one, and the last counts."""
    assert exists_in(lines) == count


def test_the_mail_looks_real() -> None:
    """Five well-formed messages: plain, encoded, alternative, attached, a bounce."""
    kinds = []
    for _, content in MAIL:
        assert b"\n" not in content.replace(b"\r\n", b"")
        message = email.message_from_bytes(content, policy=email.policy.default)
        assert not message.defects
        assert message["subject"]
        assert all(len(line) < 79 for line in content.splitlines())
        kinds.append(message.get_content_type())
    assert kinds == [
        "text/plain",
        "text/plain",
        "multipart/alternative",
        "multipart/mixed",
        "multipart/report",
    ]
