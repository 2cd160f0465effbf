"""Messages that were made to be misread: boundaries, headers, charsets, ends.

Each is a random walk through what the RFCs on mail allow, what they forbid, and what
is sent all the same. The same seed makes the same message.
"""

import random
from collections.abc import Callable
from typing import Final

CRLF: Final = b"\r\n"
_WORDS: Final = (
    b"alpha",
    b"Beta",
    b"x",
    b"report",
    b"\xc3\xb6l",
    b"\xff\xfe",
    b"1",
    b"",
)
_ENCODED: Final = (
    b"=?utf-8?q?caf=C3=A9?=",
    b"=?UTF-8?B?w7Zs?=",
    b"=?iso-8859-1?Q?a_b=E9?=",
    b"=?utf-8?q?broken",
    b"=?no-such?q?x=41?=",
    b"=?utf-8*en?q?lang?=",
    b"=?utf-8?b?w7?=",
    b"=?utf-8?q?two?= =?utf-8?q?words?=",
)
_ADDRESSES: Final = (
    b"ana@example.org",
    b"Ana <ana@example.org>",
    b'"Ana, B." <ana@example.org>',
    b'"a \\"q\\" \\\\" <"q uoted"@example.org>',
    b"ana@[192.0.2.1]",
    b"(comment) ana (nested (comment)) @ example . org (end)",
    b"Friends: ana@example.org, Bob <bob@example.org>;",
    b"undisclosed-recipients:;",
    b"<@a.example,@b.example:ana@example.org>",
    b"ana",
    b"<>",
    b"<ana@example.org",
    b"ana@",
    b"@example.org",
    b"Ana B. C <ana@example.org>",
    b"=?utf-8?q?caf=C3=A9?= <c@example.org>",
    b"\xc3\xb6l <oel@example.org>",
    b"a@b@c",
    b",",
    b"a;b",
    b"x <y> z <w@v>",
    b'"open <ana@example.org>',
    b"ana.@example.org",
    b"a" * 300 + b"@example.org",
)
_DATES: Final = (
    b"Tue, 14 Nov 2023 23:13:20 +0100",
    b"14 Nov 23 23:13 EST",
    b"Tue, 31 Feb 2023 25:61:61 +9999",
    b"whenever",
    b"",
    b"1 Jan 1970 00:00:00 -0000 (UTC)",
)
_ENCODINGS: Final = (
    *(b"7bit", b"8bit", b"binary", b"base64", b"quoted-printable", b"BASE64", b""),
    *(b"x-unknown", b" base64 (really)", b'"base64"', b"base64; x"),
)
_CHARSETS: Final = (b"utf-8", b"us-ascii", b"iso-8859-1", b"x-none", b"", b"UTF-16")
_TYPES: Final = (
    *(b"text/plain", b"text/html", b"TEXT/Plain", b"image/png", b"application/pdf"),
    *(b"text", b"text/", b"/plain", b"text/plain/x", b"", b"message/partial"),
    *(
        b"message/delivery-status",
        b"text /plain",
        b"text/ plain",
        b"message/external-body",
    ),
)
_PARAMETERS: Final = (
    b'name="a.txt"',
    b"name=a.txt",
    b"name=a b",
    b'name="a;b"',
    b"NAME*=utf-8''%c3%b6l.txt",
    b"name*0=one; name*1=two",
    b"name*0*=utf-8''%c3%b6; name*1=l",
    b"name*1=two; name*0=one",
    b'name="open',
    b"name",
    b"=x",
    b"",
    b"name=(c)a(d)",
    b"name=\xc3\xb6",
    b"format=flowed; delsp=yes",
    b'name="=?utf-8?q?caf=C3=A9?="',
    b"name=a; name=b",
)
_BODIES: Final = (
    b"plain words\r\n",
    b"no end of line",
    b"",
    b"\r\n",
    b"bare\nfeeds\n",
    b"bare\rreturns\r",
    b"caf=C3=A9 =\r\nsoft\r\n=ZZ\r\n",
    b"Y2Fmw6k=\r\n",
    b"Y2Fm!!w6\r\n",
    b"\xc3\xb6l and \xff\r\n",
    b"--\r\n--not\r\n",
    b"line {5}\r\n",
    b"x" * 1200 + b"\r\n",
    b"From ana\r\n.\r\n..\r\n",
)
_BOUNDARIES: Final = (
    *(b"b", b"bb", b"b ", b"=_x", b"'()+_,-./:=?", b"a" * 70, b"a" * 90, b"b--", b""),
    *(b"\xc3\xb6", b"b b"),
)


class _Maker:
    """Makes one message."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self._outer: list[bytes] = []

    def pick(self, of: tuple[bytes, ...]) -> bytes:
        return self.chance.choice(of)

    def often(self, likelihood: float = 0.7) -> bool:
        return self.chance.random() < likelihood

    def words(self) -> bytes:
        count = self.chance.randrange(5)
        words = [self.pick((*_WORDS, *_ENCODED)) for _ in range(count)]
        return self.pick((b" ", b" ", b"  ", b"\r\n ", b"\t")).join(words)

    def addresses(self) -> bytes:
        some = [
            self.pick(_ADDRESSES) for _ in range(self.chance.choice((1, 1, 1, 2, 3)))
        ]
        return self.pick((b", ", b",", b",\r\n\t", b" ,, ")).join(some)

    def field(self, name: bytes, value: bytes) -> bytes:
        colon = self.pick((*(7 * (b": ",)), b":", b" : ", b":\r\n ", b":\t"))
        if self.often(0.1):
            name = name.upper() if self.often(0.5) else name.lower()
        return name + colon + value + CRLF

    def envelope(self) -> bytes:
        values: dict[bytes, Callable[[], bytes]] = {
            b"From": self.addresses,
            b"Sender": self.addresses,
            b"Reply-To": self.addresses,
            b"To": self.addresses,
            b"Cc": self.addresses,
            b"Bcc": self.addresses,
            b"Subject": self.words,
            b"Date": lambda: self.pick(_DATES),
            b"Message-ID": lambda: b"<" + self.words() + b"@x>",
            b"In-Reply-To": lambda: b"<1@x> <2@x>",
            b"References": lambda: b"<1@x>\r\n <2@x>",
            b"X-Spam": self.words,
        }
        fields = [
            self.field(name, make())
            for name, make in values.items()
            if self.often(0.5)
            for _ in range(self.chance.choice((1, 1, 1, 1, 2)))
        ]
        if self.often(0.1):
            fields.append(
                self.pick((b"no colon here\r\n", b" begins folded\r\n", b": x\r\n"))
            )
        self.chance.shuffle(fields)
        return b"".join(fields)

    def parameters(self) -> bytes:
        count = self.chance.choice((0, 0, 1, 1, 2, 3))
        return b"".join(
            self.pick((b"; ", b";", b";\r\n\t", b" ; ")) + self.pick(_PARAMETERS)
            for _ in range(count)
        )

    def mime(self, kind: bytes) -> bytes:
        fields = [self.field(b"Content-Type", kind)] if kind else []
        if self.often(0.4):
            encoding = self.pick(_ENCODINGS)
            fields.append(self.field(b"Content-Transfer-Encoding", encoding))
        if self.often(0.3):
            disposition = self.pick((b"inline", b"attachment", b"x", b"", b"a b"))
            value = disposition + self.parameters()
            fields.append(self.field(b"Content-Disposition", value))
        if self.often(0.2):
            fields.append(self.field(b"Content-ID", b"<" + self.words() + b">"))
        if self.often(0.2):
            fields.append(self.field(b"Content-Description", self.words()))
        if self.often(0.1):
            languages = self.pick((b"en", b"en, de", b"en,(c) de", b"", b","))
            fields.append(self.field(b"Content-Language", languages))
        if self.often(0.1):
            fields.append(self.field(b"Content-MD5", self.pick((b"Q2hlY2s=", b"x y"))))
        if self.often(0.1):
            fields.append(self.field(b"Content-Location", b"http://x/\r\n y"))
        if self.often(0.05):
            fields.append(self.field(b"Content-Type", self.pick(_TYPES)))
        self.chance.shuffle(fields)
        return b"".join(fields)

    def part(self, depth: int) -> bytes:
        """A part: its header, an empty line, its body."""
        kind = self.chance.random()
        if depth and kind < 0.35:
            return self.multipart(depth - 1)
        if depth and kind < 0.5:
            header = self.mime(self.pick((b"message/rfc822", b"MESSAGE/RFC822; x=y")))
            return header + CRLF + self.message(depth - 1)
        value = b""
        if self.often(0.8):
            value = self.pick(_TYPES) + self.parameters()
            if self.often(0.4):
                value += b"; charset=" + self.pick(_CHARSETS)
        body = b"".join(self.pick(_BODIES) for _ in range(self.chance.randrange(4)))
        gap = CRLF if self.often(0.95) else b""
        return self.mime(value) + gap + body

    def multipart(self, depth: int) -> bytes:
        boundary = self.pick(_BOUNDARIES)
        if self._outer and self.often(0.2):
            boundary = self.pick(tuple(self._outer)) + self.pick((b"", b"", b"x"))
        self._outer.append(boundary)
        subtype = self.pick(
            (b"mixed", b"alternative", b"digest", b"related", b"x", b"")
        )
        quoted = b'"' + boundary + b'"' if self.often() else boundary
        value = b"multipart/" + subtype
        if self.often(0.95):
            value += self.pick((b"; ", b";\r\n ")) + b"boundary=" + quoted
        header = self.mime(value + self.parameters())
        lines = [self.pick((b"", b"", b"preamble", b"--" + boundary[:-1]))]
        for _ in range(self.chance.choice((0, 1, 1, 2, 2, 3, 5))):
            lines += [b"--" + boundary + self.pick((*(6 * (b"",)), b" ", b"\t", b"x"))]
            lines += [self.part(depth)]
            if self.often(0.1):
                lines += [b"--" + self.pick(tuple(self._outer)) + b"--"]
        if self.often(0.8):
            lines += [b"--" + boundary + b"--" + self.pick((b"", b"", b" ", b"x"))]
        if self.often(0.3):
            lines += [b"epilogue"]
        self._outer.pop()
        end = self.pick((CRLF, CRLF, b""))
        return header + CRLF + CRLF.join(lines) + end

    def message(self, depth: int) -> bytes:
        version = self.field(b"MIME-Version", b"1.0") if self.often(0.8) else b""
        return self.envelope() + version + self.part(depth)


def hostile_message(seed: int, number: int) -> bytes:
    """Return message ``number`` of those that ``seed`` makes. It has no NUL."""
    chance = random.Random(f"hostile {seed} {number}")
    message = _Maker(chance).message(chance.choice((0, 1, 2, 3, 5)))
    if chance.random() < 0.15:
        message = message[: chance.randrange(len(message) + 1)]
    if chance.random() < 0.05:
        message = message.replace(CRLF, b"\n")
    return message or b"\r\n"
