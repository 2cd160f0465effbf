"""The first address of From, To and Cc, read from an ENVELOPE."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imapbox.mime.addresses import Address, read_addresses
from imapbox.mime.envelope import render_envelope
from imapbox.mime.first_address import AddressField, first_address

VALUES = st.lists(
    st.sampled_from(
        [
            b"ana@example.org",
            b'"q\\"uo\\\\ted" <a@b>',
            b"=?utf-8?q?=C3=84?= <a@b>",
            b"r\xc3\xa4w <r\xc3\xa4w@b>",
            b"<@x,@y:a@b>",
            b"group: a@b, c@d;",
            b"nobody",
            b"(only a comment)",
            b"x" * 2000 + b" <long@b>",
        ]
    ),
    max_size=4,
).map(b", ".join)


@given(
    values=st.fixed_dictionaries(
        {}, optional=dict.fromkeys((b"from", b"sender", b"to", b"cc"), VALUES)
    ),
    subject=st.sampled_from([b"plain", b'q"\\', b"r\xc3\xa4w", b"x" * 2000]),
)
def test_it_is_the_one_that_envelope_tells(
    values: dict[bytes, bytes], subject: bytes
) -> None:
    """Whatever is before it, the first address is the one that was rendered."""
    fields = {name: [value] for name, value in values.items()}
    fields |= {b"subject": [subject], b"date": [b'1 "x"']}
    envelope = render_envelope(fields)
    for field in AddressField:
        value = values.get(field.name.lower().encode(), b"")
        expected = next(read_addresses(value), None)
        if expected and expected.name:
            # ENVELOPE has one space where there are several.
            expected = expected._replace(name=b" ".join(expected.name.split()))
        assert first_address(envelope, field) == expected


@pytest.mark.parametrize("one", [b"a@b, ", b"r\xc3\xa4w <a@b>, "])
def test_it_is_not_looked_for_without_end(one: bytes) -> None:
    """Behind some thousands of other addresses there is none."""
    few, many = 1000, 100_000
    for count in (few, many):
        fields = {b"to": [one * count], b"cc": [b"c@d"]}
        found = first_address(render_envelope(fields), AddressField.CC)
        assert found == (Address(None, None, b"c", b"d") if count == few else None)


@given(st.integers(0, 60), st.sampled_from(AddressField))
def test_what_is_cut_off_is_no_address(cut: int, field: AddressField) -> None:
    """An ENVELOPE that ends too soon has no address, or the same."""
    fields = {b"from": [b"a@b"], b"to": [b"\xe4 <c@d>"], b"cc": [b"e@f"]}
    envelope = render_envelope(fields)
    whole = first_address(envelope, field)
    assert first_address(envelope[:cut], field) in {None, whole}
