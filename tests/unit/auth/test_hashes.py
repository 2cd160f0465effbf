"""Hashes in Dovecot's notation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imapbox.auth.crypt import crypt
from imapbox.auth.hashes import argon2id, blf_crypt, parse_hash, verify

# Made by Dovecot 2.3.19: doveadm pw -s SCHEME -p tr0ub4dor
BY_DOVECOT = {
    "PLAIN": "{PLAIN}tr0ub4dor",
    "SHA512-CRYPT": (
        "{SHA512-CRYPT}$6$r0tlvphi7MheVO9Y$Ibc0UEtQDB8sOhAzXadQ1qHQeXokj6Al"
        "wq3CA8L45Vpz8lF5I.YjT4iTkHw3uX8PRICNK3WWsq.i2pIbJnImN1"
    ),
    "BLF-CRYPT": (
        "{BLF-CRYPT}$2y$05$qirLGTiIExKlOt85t5CVWOervp0RYiywO8BZpr2Rbc345/KPqCEzm"
    ),
    "ARGON2ID": (
        "{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$lzEPnKwv6IJBlZ3PGrCtGw$Gg"
        "h1rjhHmCHi8RcNTCudGs+VhuOXuyJv1CLyxr4ZQxg"
    ),
}


@pytest.mark.parametrize("scheme", BY_DOVECOT)
def test_dovecots_hashes_are_ours(scheme: str) -> None:
    """A hash that Dovecot made lets its password in, and no other."""
    stored = parse_hash(BY_DOVECOT[scheme])
    assert stored is not None
    assert stored.scheme == scheme
    assert verify(b"tr0ub4dor", stored)
    for wrong in (b"tr0ub4do", b"tr0ub4dor ", b"Tr0ub4dor", b"", b"tr0ub4dor\0x"):
        assert not verify(wrong, stored)


@pytest.mark.parametrize(
    "made", [argon2id(b"pw"), blf_crypt(b"pw", cost=4)], ids=["argon2id", "blf"]
)
def test_what_we_make_we_can_check(made: str) -> None:
    """A hash made here lets its password in, and no other."""
    stored = parse_hash(made)
    assert stored is not None
    assert verify(b"pw", stored)
    assert not verify(b"pW", stored)


def test_two_hashes_of_a_password_differ() -> None:
    """Each hash has a salt of its own."""
    assert blf_crypt(b"pw", cost=4) != blf_crypt(b"pw", cost=4)


def test_bcrypt_reads_72_octets() -> None:
    """A password longer than bcrypt reads is checked like Dovecot does: cut."""
    stored = parse_hash(blf_crypt(b"x" * 72, cost=4))
    assert stored is not None
    assert verify(b"x" * 80, stored)
    assert not verify(b"x" * 71, stored)


def test_bcrypt_is_never_made_of_more_than_it_reads() -> None:
    """Making a bcrypt hash of a password it would cut is refused."""
    with pytest.raises(ValueError, match="72"):
        blf_crypt(b"x" * 73, cost=4)


@pytest.mark.parametrize(
    "field",
    [
        "",
        "secret",
        "$6$salt$hash",
        "{}secret",
        "{PLAIN}",
        "{MD5-CRYPT}$1$abc$def",
        "{SHA512-CRYPT}*",
        "{SHA512-CRYPT}$6$short",
        "{SHA512-CRYPT}$5$" + "a" * 86,
        "{BLF-CRYPT}$2y$05$tooshort",
        "{BLF-CRYPT}$2y$99$" + "a" * 53,
        "{ARGON2ID}$argon2i$v=19$m=65536,t=3,p=1$YWFhYWFhYWE$YWFh",
        "{PLAIN",
    ],
)
def test_what_is_no_hash_of_ours_is_none(field: str) -> None:
    """No scheme, an unknown one, or a malformed hash is never guessed at."""
    assert parse_hash(field) is None


@given(st.text())
def test_no_field_upsets_the_parser(field: str) -> None:
    """Any text at all is a hash or none."""
    parse_hash(field)


@pytest.mark.parametrize("setting", [b"", b"*0", b"$6", b"!", b"$nope$x"])
def test_a_setting_of_no_use_never_matches(setting: bytes) -> None:
    """What libcrypt can not work with gives no hash, not an odd one."""
    assert crypt(b"pw", setting) is None


def test_the_hash_is_not_in_the_repr() -> None:
    """A stored hash that ends up in a log shows only its kind."""
    stored = parse_hash(BY_DOVECOT["ARGON2ID"])
    assert stored is not None
    assert stored.text.decode() not in repr(stored)
    plain = parse_hash("{PLAIN}hunter2")
    assert "hunter2" not in repr(plain)
