"""Header, text and fields, by a model that splits lines."""

from hypothesis import given
from hypothesis import strategies as st

from imapbox.imap.sections import cut, header_end, select_fields
from imapbox.wire.imap.fetch_items import Partial

LINES = st.lists(
    st.sampled_from(
        [b"Subject: a", b"to:b", b"To : c", b" folded", b"\tfolded", b"garbage", b":x"]
    ),
    max_size=12,
)


@given(LINES, st.binary(max_size=20))
def test_the_header_ends_at_the_first_empty_line(
    lines: list[bytes], rest: bytes
) -> None:
    """A header is all lines up to the first empty one, and that one too."""
    header = b"".join(line + b"\r\n" for line in lines) + b"\r\n"
    assert header_end(header + rest) == len(header)
    assert header_end(header[:-1]) is None or not lines


@given(LINES, st.sampled_from([b"", b"\r\n"]))
def test_fields_and_the_others_are_all(lines: list[bytes], end: bytes) -> None:
    """Each field is among those that are named or the others; the empty line in both.

    If there is one: RFC 9051 §6.4.5.1.
    """
    header = b"".join(line + b"\r\n" for line in lines) + end
    fields: list[list[bytes]] = []
    for line in lines:
        if line[:1] in {b" ", b"\t"} and fields:
            fields[-1].append(line)
        else:
            fields.append([line])
    named, others = [], []
    for field in fields:
        name, colon, _ = field[0].partition(b":")
        is_named = bool(colon) and name.strip().lower() in {b"to", b"from"}
        (named if is_named else others).extend(field)
    for chosen, without in ((named, False), (others, True)):
        expected = b"".join(line + b"\r\n" for line in chosen) + end
        fields = select_fields(header, (b"TO", b"From"), without=without)
        assert b"".join(fields) == expected


@given(st.binary(max_size=200), st.integers(0, 2**63), st.integers(1, 2**63))
def test_a_partial_is_a_slice(octets: bytes, start: int, length: int) -> None:
    """A partial is that many octets from there on, and never more than there are."""
    here = cut(range(len(octets)), Partial(start, length))
    assert octets[here.start : here.stop] == octets[start : start + length]


def test_who_searches_a_long_header_may_pause() -> None:
    """Between any two of 100,000 fields there is a pause, wanted or not."""
    many = b"A: b\r\n" * 100_000 + b"\r\n"
    fields = list(select_fields(many, (b"b",), without=False))
    assert fields == [b""] * 100_000 + [b"\r\n"]
    folded = b"A: b\r\n" + b" c\r\n" * 150_000 + b"\r\n"
    field, _ = select_fields(folded, (b"a",), without=False)
    assert field + b"\r\n" == folded
