"""An IMAP client that says several commands at once, and keeps their ends."""

import re
from typing import Final, NamedTuple

from benchmarks.load.imap import ImapClient, Refused

# Nothing was done then: another client had expunged it.
_BEATEN: Final = (
    *(b" NO [EXPUNGEISSUED]", b" NO [BADURL "),
    b" NO [NONEXISTENT] No message has this UID.",
)
_EXPUNGE: Final = b" EXPUNGE\r\n"
_FOUND: Final = re.compile(
    rb"\* [0-9]+ FETCH \(.*?UID ([0-9]+)"
    rb'.*?ENVELOPE \((?:NIL|"[^"]*") "([^"]*)"',
    re.DOTALL,
)
_COPYUID: Final = re.compile(rb"\[COPYUID ([0-9]+) ([0-9:,]+) ([0-9:,]+)\]")
_APPENDUID: Final = re.compile(rb"\[APPENDUID ([0-9]+) ([0-9]+)\]")
_NUMBERS: Final = re.compile(rb"\[(UIDVALIDITY|UIDNEXT) ([0-9]+)\]")


class Answer(NamedTuple):
    """What the server said to one command.

    Attributes:
        told: The responses before its end.
        end: The tagged one.
    """

    told: list[bytes]
    end: bytes

    @property
    def all(self) -> bytes:
        """Return all of it."""
        return b"".join([*self.told, self.end])

    @property
    def done(self) -> bool:
        """Say whether it was done."""
        return b" OK" in self.end[: self.end.index(b" ") + 3]


class Copied(NamedTuple):
    """What a COPYUID says.

    Attributes:
        uidvalidity: Of the target.
        uids: UID there by UID here.
    """

    uidvalidity: int
    uids: dict[int, int]


class Talker(ImapClient):
    """One connection. `exists` is what the mailbox holds as the client knows it."""

    def take_in(self, response: bytes) -> None:
        super().take_in(response)
        if response.endswith(_EXPUNGE):
            self.exists -= 1

    def together(self, *commands: bytes) -> list[Answer]:
        """Say all commands without waiting; return what was said to each.

        Raises:
            Refused: One was refused, and not since another client was quicker.
            OSError: The server is gone.
        """
        tags = [self.start(command) for command in commands]
        return [
            self._answer(tag, command)
            for tag, command in zip(tags, commands, strict=True)
        ]

    def say(self, command: bytes) -> Answer:
        """Say one command."""
        return self.together(command)[0]

    def _answer(self, tag: bytes, command: bytes) -> Answer:
        told = []
        while not (response := self.response()).startswith(tag + b" "):
            if response.startswith(b"* BYE") and not command.startswith(b"LOGOUT"):
                raise Refused(command, response)
            told.append(response)
        ends = (b" OK", *_BEATEN)
        if not response.startswith(tuple(tag + end for end in ends)):
            raise Refused(command, response)
        return Answer(told, response)


class Opened(NamedTuple):
    """What a SELECT says of a mailbox."""

    uidvalidity: int
    uidnext: int


def opened(answer: Answer) -> Opened:
    """Return what a SELECT or EXAMINE told."""
    found = dict(_NUMBERS.findall(answer.all))
    return Opened(int(found[b"UIDVALIDITY"]), int(found[b"UIDNEXT"]))


def marks_in(answer: Answer) -> dict[int, str]:
    """Return the subjects that a FETCH of ENVELOPEs told, by UID."""
    found = (_FOUND.match(response) for response in answer.told)
    return {int(each[1]): each[2].decode() for each in found if each}


def found_by(answer: Answer) -> list[int]:
    """Return what a SEARCH found."""
    return [
        int(number)
        for response in answer.told
        if response.startswith(b"* SEARCH")
        for number in response.split()[2:]
    ]


def appended(answer: Answer) -> tuple[int, int]:
    """Return UIDVALIDITY and UID of what APPEND or REPLACE added."""
    found = _APPENDUID.search(answer.all)
    assert found, answer
    return int(found[1]), int(found[2])


def copied(answer: Answer) -> Copied:
    """Return what COPY or MOVE copied."""
    found = _COPYUID.search(answer.all)
    if found is None:
        return Copied(0, {})
    here, there = map(_numbers, (found[2], found[3]))
    return Copied(int(found[1]), dict(zip(here, there, strict=True)))


def _numbers(text: bytes) -> list[int]:
    numbers: list[int] = []
    for part in text.split(b","):
        first, _, last = part.partition(b":")
        numbers += range(int(first), int(last or first) + 1)
    return numbers


def uid_set(uids: list[int]) -> bytes:
    """Return UIDs as IMAP writes them."""
    return b",".join(b"%d" % uid for uid in uids)
