"""What is a command, and what is an address."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imapbox.wire.lmtp.commands import (
    MAX_PATH,
    BadArguments,
    BadChunkSize,
    BadCommand,
    BadForwardPath,
    BadReversePath,
    Bare,
    Bdat,
    Command,
    Lhlo,
    Mail,
    Rcpt,
    UnknownCommand,
    UnknownParameter,
    Verb,
    Xforward,
    parse_command,
)

GOOD: dict[bytes, Command] = {
    b"LHLO client.example": Lhlo("client.example"),
    b"lhlo [127.0.0.1]": Lhlo("[127.0.0.1]"),
    b"LHLO  a b ": Lhlo("a b"),
    b"MAIL FROM:<>": Mail("", None, smtputf8=False),
    b"mail from:<>": Mail("", None, smtputf8=False),
    b"MAIL FROM: <a@b.example>": Mail("a@b.example", None, smtputf8=False),
    b"MAIL FROM:<a@b> SIZE=12": Mail("a@b", 12, smtputf8=False),
    b"BDAT 0": Bdat(0, last=False),
    b"bdat 0042 last ": Bdat(42, last=True),
    b"MAIL FROM:<a@b> BODY=8BITMIME size=7 SMTPUTF8": Mail("a@b", 7, smtputf8=True),
    b"MAIL FROM:<a@b> body=7bit ": Mail("a@b", None, smtputf8=False),
    b"RCPT TO:<a@b.example>": Rcpt("a@b.example"),
    b"RCPT TO:<a+detail@b.example> ": Rcpt("a+detail@b.example"),
    b"RCPT TO:<alice>": Rcpt("alice"),
    b"RCPT TO:<@a:b@c>": Rcpt("b@c"),
    b"RCPT TO:<@a.example,@[127.0.0.1]:b@c>": Rcpt("b@c"),
    b'RCPT TO:<""@d>': Rcpt('""@d'),
    b'RCPT TO:<"jane"@d>': Rcpt("jane@d"),
    b'RCPT TO:<"j\\ane"@d>': Rcpt("jane@d"),
    b'RCPT TO:<"jane doe"@d>': Rcpt('"jane doe"@d'),
    b'RCPT TO:<"a\\"@b>"@d>': Rcpt('"a\\"@b>"@d'),
    b"RCPT TO:<a.@b_c.example>": Rcpt("a.@b_c.example"),
    b"RCPT TO:<a@[IPv6:::1]>": Rcpt("a@[IPv6:::1]"),
    "RCPT TO:<jürgen@müller.example>".encode(): Rcpt("jürgen@müller.example"),
    b"XFORWARD NAME=spike.porcupine.org ADDR=168.100.189.2 PROTO=ESMTP": Xforward(
        {"NAME": "spike.porcupine.org", "ADDR": "168.100.189.2", "PROTO": "ESMTP"}
    ),
    b"xforward ident=4XyZ helo=[UNAVAILABLE] Port=[tempunavail] ": Xforward(
        {"IDENT": "4XyZ", "HELO": None, "PORT": None}
    ),
    b"XFORWARD SOURCE=LOCAL IDENT=a+2Bb+3dc=d ADDR=IPV6:::1": Xforward(
        {"SOURCE": "LOCAL", "IDENT": "a+b=c=d", "ADDR": "IPV6:::1"}
    ),
    "XFORWARD HELO=+C3+BCjürgen".encode(): Xforward({"HELO": "üjürgen"}),
    b"XFORWARD IDENT=" + b"x" * 255: Xforward({"IDENT": "x" * 255}),
    b"DATA": Bare(Verb.DATA),
    b"data ": Bare(Verb.DATA),
    b"RSET": Bare(Verb.RSET),
    b"NOOP and more": Bare(Verb.NOOP),
    b"VRFY alice": Bare(Verb.VRFY),
    b"HELP": Bare(Verb.HELP),
    b"QUIT": Bare(Verb.QUIT),
}
BAD: dict[bytes, type[BadCommand]] = {
    b"": UnknownCommand,
    b" NOOP": UnknownCommand,
    b"\xff\xfe": UnknownCommand,
    b"EHLO client.example": UnknownCommand,
    b"HELO client.example": UnknownCommand,
    b"STARTTLS": UnknownCommand,
    b"BDAT": BadChunkSize,
    b"BDAT LAST": BadChunkSize,
    b"BDAT -1": BadChunkSize,
    b"BDAT +1 LAST": BadChunkSize,
    b"BDAT 1 2": BadChunkSize,
    b"BDAT 1 LASTLY": BadChunkSize,
    b"BDAT 1LAST": BadChunkSize,
    b"BDAT 1234567890123456": BadChunkSize,
    b"BDAT \xff": BadChunkSize,
    "BDAT ٣".encode(): BadChunkSize,
    b"LHLO": BadArguments,
    b"LHLO " + b"x" * 256: BadArguments,
    b"LHLO \xc3": BadArguments,
    b"MAIL": BadArguments,
    b"MAIL TO:<a@b>": BadArguments,
    b"MAIL FROM:": BadReversePath,
    b"MAIL FROM:a@b": BadReversePath,
    b"MAIL FROM:<a@>": BadReversePath,
    b"MAIL FROM:<a@b": BadReversePath,
    b"MAIL FROM:<@b>": BadReversePath,
    b"MAIL FROM:<a b@c>": BadReversePath,
    b"MAIL FROM:<a@b>SIZE=1": BadArguments,
    b"MAIL FROM:<a@b> SIZE=": BadArguments,
    b"MAIL FROM:<a@b> SIZE=-1": BadArguments,
    b"MAIL FROM:<a@b> SIZE=+1": BadArguments,
    b"MAIL FROM:<a@b> SIZE=1_0": BadArguments,
    "MAIL FROM:<a@b> SIZE=٣".encode(): BadArguments,
    b"MAIL FROM:<a@b> SIZE=1 size=2": BadArguments,
    b"MAIL FROM:<a@b> BODY=BINARYMIME": BadArguments,
    b"MAIL FROM:<a@b> SMTPUTF8=1": BadArguments,
    b"MAIL FROM:<a@b> AUTH=<>": UnknownParameter,
    b"RCPT FROM:<a@b>": BadArguments,
    b"RCPT TO:<>": BadForwardPath,
    b"RCPT TO:<a@b>x": BadArguments,
    b"RCPT TO:<a@b> NOTIFY=NEVER": UnknownParameter,
    b"RCPT TO:<a@@b>": BadForwardPath,
    b"RCPT TO:<a@b..c>": BadForwardPath,
    b'RCPT TO:<"a@b>': BadForwardPath,
    b'RCPT TO:<"a\tb"@c>': BadForwardPath,
    b"RCPT TO:<a\x00@b>": BadForwardPath,
    b"RCPT TO:<a\x1b@b>": BadForwardPath,
    "RCPT TO:<a\u2028@b>".encode(): BadForwardPath,
    "RCPT TO:<a\x85@b>".encode(): BadForwardPath,
    b"RCPT TO:<j\xc3>": BadArguments,
    b"RCPT TO:<j\xc3": BadArguments,
    b"RCPT TO:<\xed\xa0\x80@b>": BadArguments,
    b"RCPT TO:<\xc0\xaf@b>": BadArguments,
    b"RCPT TO:<" + b"x" * (MAX_PATH - 1) + b">": BadForwardPath,
    b"XFORWARD": BadArguments,
    b"XFORWARD ": BadArguments,
    b"XFORWARD IDENT": BadArguments,
    b"XFORWARD IDENT=": BadArguments,
    b"XFORWARD LOGIN=ana": BadArguments,
    b"XFORWARD IDENT=1 ident=2": BadArguments,
    b"XFORWARD IDENT=a b": BadArguments,
    b"XFORWARD IDENT=a+": BadArguments,
    b"XFORWARD IDENT=a+2": BadArguments,
    b"XFORWARD IDENT=a+2G": BadArguments,
    b"XFORWARD IDENT=a+0Ab": BadArguments,
    b"XFORWARD IDENT=a+00": BadArguments,
    b"XFORWARD IDENT=a\tb": BadArguments,
    "XFORWARD IDENT=a\u2028b".encode(): BadArguments,
    b"XFORWARD IDENT=" + b"x" * 256: BadArguments,
    b"XFORWARD IDENT=\xff": BadArguments,
    b"DATA x": BadArguments,
    b"RSET x": BadArguments,
    b"QUIT x": BadArguments,
}


@pytest.mark.parametrize("line", GOOD)
def test_good_commands(line: bytes) -> None:
    """Each command is read as what it says."""
    assert parse_command(line) == GOOD[line]


@pytest.mark.parametrize("line", BAD)
def test_bad_commands(line: bytes) -> None:
    """What is no command is refused for the reason that is its own."""
    with pytest.raises(BadCommand) as caught:
        parse_command(line)
    assert caught.type is BAD[line]


@given(
    st.sampled_from([b"", b"MAIL FROM:", b"RCPT TO:", b"RCPT TO:<", b"LHLO "]),
    st.one_of(
        st.binary(),
        st.lists(st.sampled_from(list(b'<>@:,."\\ []=aZ0\x00\t\xc3\xa4'))).map(bytes),
    ),
)
def test_any_line_is_a_command_or_bad(start: bytes, rest: bytes) -> None:
    """No line does anything but parse or be refused; nothing parsed has controls."""
    try:
        command = parse_command(start + rest)
    except BadCommand:
        return
    for address in (
        getattr(command, "forward_path", ""),
        getattr(command, "reverse_path", ""),
    ):
        assert not {"Cc", "Cs", "Zl", "Zp"} & set(map(unicodedata.category, address))


def test_long_nonsense_is_refused_fast() -> None:
    """No line can make the grammar backtrack: the longest are refused at once."""
    for nonsense in (b'"\\' * 1000, b"a." * 1000, b"@a," * 700, b"@a.b" * 500):
        with pytest.raises(BadCommand):
            parse_command(b"RCPT TO:<" + nonsense)
