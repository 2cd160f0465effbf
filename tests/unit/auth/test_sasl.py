"""SASL PLAIN, the server's side."""

import base64

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from imapbox.auth.errors import AuthorizationRefused
from imapbox.auth.sasl import (
    MAX_PART_BYTES,
    BadSasl,
    SaslCancelled,
    decode_initial,
    decode_response,
    plain_credentials,
)

SAFE = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1
)


@given(st.binary())
def test_what_was_encoded_is_decoded(message: bytes) -> None:
    """A response in base64 is read as the octets it was made of."""
    assert decode_response(base64.b64encode(message)) == message


@given(st.binary(max_size=12))
@example(b"QQ==\n")
@example(b"QR==")
@example(b"=")
@example(b"QQ")
@example(b"QQ=")
@example(b"QQ===")
@example(b"Q Q=")
@example(b"QQ==QQ==")
@example(b"QUF_")
def test_only_canonical_base64_is_read(line: bytes) -> None:
    """What is accepted is the one way to write what it means."""
    try:
        message = decode_response(line)
    except (BadSasl, SaslCancelled):
        return
    assert base64.b64encode(message) == line


def test_a_star_cancels() -> None:
    """A client that answers "*" gives the exchange up."""
    with pytest.raises(SaslCancelled):
        decode_response(b"*")


def test_an_equals_sign_is_an_empty_initial_response() -> None:
    """An initial response "=" is empty; "*" is no initial response."""
    assert decode_initial(b"=") == b""
    with pytest.raises(BadSasl):
        decode_initial(b"*")


@given(SAFE, SAFE)
def test_user_and_password_are_taken_as_they_are(user: str, password: str) -> None:
    """Whatever UTF-8 the client sent as user and password arrives untouched."""
    message = b"\0" + user.encode() + b"\0" + password.encode()
    read = plain_credentials(message)
    assert (read.user, read.password) == (user.encode(), password.encode())


@pytest.mark.parametrize("authzid", [b"ana", b"ANA", b"Ana"])
def test_one_may_act_as_oneself(authzid: bytes) -> None:
    """An authzid that is the authcid, as imapbox spells names, is accepted."""
    assert plain_credentials(authzid + b"\0ana\0pw").user == b"ana"


@pytest.mark.parametrize("authzid", [b"bob", b" ana", b"ana\r\n", b"root"])
def test_nobody_acts_as_somebody_else(authzid: bytes) -> None:
    """An authzid of somebody else is refused before any password is looked at."""
    with pytest.raises(AuthorizationRefused):
        plain_credentials(authzid + b"\0ana\0pw")


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"ana",
        b"\0ana",
        b"\0ana\0",
        b"\0\0pw",
        b"\0ana\0p\0w",
        b"\0ana\0pw\0",
        b"\0\xff\0pw",
        b"\0ana\0\xff",
        b"\xff\0ana\0pw",
        b"\0" + b"a" * (MAX_PART_BYTES + 1) + b"\0pw",
        b"\0ana\0" + b"a" * (MAX_PART_BYTES + 1),
    ],
)
def test_anything_else_is_no_message(message: bytes) -> None:
    """Too few or too many parts, empty ones, bad UTF-8, too long: all refused."""
    with pytest.raises(BadSasl):
        plain_credentials(message)


def test_the_password_is_not_in_the_repr() -> None:
    """Credentials that end up in a log show no password."""
    assert "hunter2" not in repr(plain_credentials(b"\0ana\0hunter2"))
