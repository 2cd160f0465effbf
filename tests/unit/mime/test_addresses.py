"""Address lists are read whatever their writers did."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from imapbox.mime.addresses import (
    MISSING_DOMAIN,
    MISSING_MAILBOX,
    Address,
    read_addresses,
)

END = Address(None, None, None, None)


def read(value: bytes) -> list[Address]:
    return list(read_addresses(value))


def address(
    mailbox: bytes, host: bytes, name: bytes | None = None, route: bytes | None = None
) -> Address:
    return Address(name, route, mailbox, host)


def group(name: bytes, *members: Address) -> list[Address]:
    return [Address(None, None, name, None), *members, END]


JOHN = address(b"jdoe", b"machine.example", b"John Doe")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        # RFC 5322 §A.1.1 to §A.1.3, §A.5, §A.6.1
        (b"John Doe <jdoe@machine.example>", [JOHN]),
        (b'"Joe Q. Public" <john.q.public@example.com>',
         [address(b"john.q.public", b"example.com", b"Joe Q. Public")]),
        (b"Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>",
         [address(b"mary", b"x.test", b"Mary Smith"),
          address(b"jdoe", b"example.org"),
          address(b"one", b"y.test", b"Who?")]),
        (b'<boss@nil.test>, "Giant; \\"Big\\" Box" <sysservices@example.net>',
         [address(b"boss", b"nil.test"),
          address(b"sysservices", b"example.net", b'Giant; "Big" Box')]),
        (b"A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;",
         group(b"A Group",
               address(b"c", b"a.test", b"Ed Jones"),
               address(b"joe", b"where.test"),
               address(b"jdoe", b"one.test", b"John"))),
        (b"Undisclosed recipients:;", group(b"Undisclosed recipients")),
        (b"Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
         [address(b"pete", b"silly.test", b"Pete")]),
        ((b"A Group(Some people)\n"
          b"     :Chris Jones <c@(Chris's host.)public.example>,\n"
          b"         joe@example.org,\n"
          b"  John <jdoe@one.test> (my dear friend); (the end of the group)"),
         group(b"A Group",
               address(b"c", b"public.example", b"Chris Jones"),
               address(b"joe", b"example.org"),
               address(b"jdoe", b"one.test", b"John"))),
        (b"(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;",
         group(b"Hidden recipients")),
        (b"Joe Q. Public <john.q.public@example.com>",
         [address(b"john.q.public", b"example.com", b"Joe Q. Public")]),
        (b"Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example",
         [address(b"mary", b"example.net", b"Mary Smith", b"@node.test"),
          address(b"jdoe", b"test.example")]),
        # other obsolete and odd forms
        (b"<@a.test,@b.test:c@d.test>",
         [address(b"c", b"d.test", None, b"@a.test,@b.test")]),
        (b"user@host.test (Old (very) Style)",
         [address(b"user", b"host.test", b"Old (very) Style")]),
        (b'"john doe"@x.test', [address(b"john doe", b"x.test")]),
        (b'"john" . doe@x.test', [address(b"john.doe", b"x.test")]),
        (b"jdoe@[192.0.2.1]", [address(b"jdoe", b"[192.0.2.1]")]),
        (b"\xc3\xa4@\xc3\xb6.test", [address(b"\xc3\xa4", b"\xc3\xb6.test")]),
        (b"a@b.test; c@d.test", [address(b"a", b"b.test"), address(b"c", b"d.test")]),
        (b"a@b.test c@d.test, e@f.test",
         [address(b"a", b"b.test"), address(b"e", b"f.test")]),
        (b"Name <a@b.test", [address(b"a", b"b.test", b"Name")]),
        (b"g: a@b.test", group(b"g", address(b"a", b"b.test"))),
        (b"", []),
        (b" ,(nobody), ,\n ", []),
        (b"root", [address(b"root", MISSING_DOMAIN)]),
        (b"root (Charlie &)", [address(b"root", MISSING_DOMAIN, b"Charlie &")]),
        (b"<root>", [address(b"root", MISSING_DOMAIN)]),
        (b"Nobody <>", [address(MISSING_MAILBOX, MISSING_DOMAIN, b"Nobody")]),
        (b"two words", [address(MISSING_MAILBOX, MISSING_DOMAIN, b"two words")]),
        (b'"quoted"', [address(MISSING_MAILBOX, MISSING_DOMAIN, b"quoted")]),
        (b"@x.test", [address(MISSING_MAILBOX, b"x.test")]),
        (b"@", [address(MISSING_MAILBOX, MISSING_DOMAIN)]),
        (b"a@b.test, (((", [address(b"a", b"b.test")]),
        (b'a@b.test, "x', [address(b"a", b"b.test"),
                           address(MISSING_MAILBOX, MISSING_DOMAIN, b"x")]),
    ],
)  # fmt: skip
def test_examples(value: bytes, expected: list[Address]) -> None:
    """Addresses, groups, comments and routes are what their writers meant."""
    assert read(value) == expected


PIECES = st.sampled_from(
    [
        *(bytes([octet]) for octet in b'()<>@,;:\\"[].ab \t\n\xe4\0'),
        b"a@b",
        b'"q" ',
        b"(c)",
        b"<a@b>",
        b"g:",
    ]
)


@given(st.lists(PIECES).map(b"".join) | st.binary())
@example(b'"')
@example(b"\\")
def test_anything_is_read(value: bytes) -> None:
    """Any value is a list, and each entry an address or one end of a group."""
    depth = 0
    for one in read(value):
        if one.host is None:
            assert (one.name, one.route) == (None, None)
            depth += 1 if one.mailbox is not None else -1
            assert depth in {0, 1}, "groups end, and are not in one another"
        else:
            assert one.mailbox
            assert one.host
            assert one.name != b""
    assert depth == 0


ATOMS = st.text("abc.=?-", min_size=1).map(str.encode)
WELL_FORMED = st.builds(
    lambda name, local, host: (
        b"%b<%b@%b>" % (name, local, host)
        if name is not None
        else b"%b@%b" % (local, host)
    ),
    st.none()
    | st.just(b"")
    | st.lists(ATOMS, min_size=1, max_size=3).map(lambda words: b" ".join(words) + b" ")
    | st.text("a ,;:<>()@", max_size=5).map(lambda text: b'"%b" ' % text.encode()),
    ATOMS,
    ATOMS,
)


@given(st.lists(WELL_FORMED, min_size=1))
def test_the_short_way_is_the_long_one(addresses: list[bytes]) -> None:
    """What is read in one go is read as it would be token by token."""
    # A comment before an address keeps it from the short way.
    slowly = [one for value in addresses for one in read(b"()" + value)]
    assert read(b", ".join(addresses)) == slowly
    assert len(slowly) == len(addresses)
