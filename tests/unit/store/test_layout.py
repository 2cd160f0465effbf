"""Names on the disk: injective, safe, and short enough."""

import re

from hypothesis import example, given
from hypothesis import strategies as st

from imapbox.model.names import UserName, user_name
from imapbox.store.layout import (
    account_directory,
    decode_user,
    encode_user,
    mailbox_directory,
    user_directory,
)

TEXT = st.text(max_size=300) | st.text("aA.@%/\\é\u0301 ", max_size=90)
USERS = TEXT.map(user_name).filter(bool)


@given(USERS)
@example(UserName("."))
@example(UserName(".."))
@example(UserName("%2e"))
@example(UserName("a/../b"))
def test_every_user_has_a_safe_directory(user: UserName) -> None:
    """A user's name becomes one harmless path component of at most 255 bytes."""
    encoded = encode_user(user)
    assert re.fullmatch(r"[a-z0-9_@%.-]+", encoded)
    assert not encoded.startswith(".")
    assert not encoded.endswith(".")
    assert len(encoded) <= 255


@given(USERS)
@example(UserName("%41"))
def test_a_directory_tells_its_user(user: UserName) -> None:
    """From the directory's name the user is known: no two share one."""
    assert decode_user(encode_user(user)) == user


@given(USERS, USERS)
def test_paths_are_apart(one: UserName, other: UserName) -> None:
    """Two users have no path in common, and each path its own place."""
    paths = [user_directory(one), user_directory(other)]
    assert (paths[0] == paths[1]) == (one == other)
    assert account_directory(one) != mailbox_directory(one, bytes(16))


@given(TEXT)
@example("J\u030c")  # no capital letter composes with this accent, the small does
@example("\u212a")  # KELVIN SIGN is a K
def test_a_users_name_is_normal(text: str) -> None:
    """A normalized user's name stays as it is."""
    user = user_name(text)
    assert user is None or user_name(user) == user


def test_what_no_file_system_can_name_is_no_user() -> None:
    """A user whose directory's name would be too long can't be one."""
    assert user_name("x" * 255) is not None
    assert user_name("x" * 256) is None
    assert user_name("é" * 42) is not None
    assert user_name("é" * 43) is None
