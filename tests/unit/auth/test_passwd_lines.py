"""The lines of a passwd-file."""

from hypothesis import example, given
from hypothesis import strategies as st

from imapbox.auth.hashes import parse_hash, verify
from imapbox.auth.passwd_lines import can_be_written, parse_users, with_hash
from imapbox.model.names import user_name

BCRYPT = "{BLF-CRYPT}$2y$05$ONdDkQ6zk2ybBPlNLGoOAuu61llwF7pS4uVpZX3Uk/oJch4q.4rMu"
FILE = f"""# users of example.org

Ana@Example.org:{BCRYPT}:1000:1000::/home/ana::quota=1G
bob:{{PLAIN}}secret
carl:secret
dora:{{NTLM}}abc
eve
ana@example.org:{{PLAIN}}other
:{{PLAIN}}nobody
\u2028fay:{{PLAIN}}x
ge\u2028rd:{{PLAIN}}x
""".encode()

NAMES = st.text(min_size=1, max_size=8).map(user_name).filter(lambda name: name)


def test_users_and_their_hashes() -> None:
    """Names are normalized; further fields, comments, empty lines are skipped."""
    users = parse_users(FILE)
    assert users.hashes == {
        "ana@example.org": parse_hash(BCRYPT),
        "bob": parse_hash("{PLAIN}secret"),
        "carl": None,
        "dora": None,
        "eve": None,
    }


def test_each_trouble_is_named_once_and_shows_no_secret() -> None:
    """Every user who can not log in is one complaint, without the password."""
    complaints = parse_users(FILE).complaints
    assert [complaint.split(":")[0] for complaint in complaints] == [
        f"line {number}" for number in (5, 6, 7, 8, 9, 10, 11)
    ]
    assert not any("secret" in each or "abc" in each for each in complaints)


def test_the_decoy_is_as_most_are() -> None:
    """Who does not exist is checked against the kind of hash that most have."""
    other = BCRYPT.replace("$05$", "$06$")
    lines = [f"a:{other}", f"b:{BCRYPT}", f"c:{BCRYPT}", "d:{PLAIN}x"]
    decoy = parse_users("\n".join(lines).encode()).decoy
    assert decoy is not None
    assert (decoy.scheme, decoy.cost) == ("BLF-CRYPT", "$05$")
    assert parse_users(b"").decoy is None


@given(st.binary())
@example(b"ana:{PLAIN}caf\xe9\n")
@example(b"\xff:{PLAIN}x\nana:{PLAIN}\xff\n")
def test_no_file_upsets_the_parser(content: bytes) -> None:
    """Any octets at all are a passwd-file, if a bad one."""
    parse_users(content)


@given(st.binary(max_size=60), NAMES.filter(can_be_written))
def test_a_hash_that_was_set_is_read(content: bytes, user) -> None:
    """After a hash is set its user has it, and everybody else what they had."""
    before = parse_users(content).hashes
    after = parse_users(with_hash(content, user, BCRYPT)).hashes
    assert after[user] == parse_hash(BCRYPT)
    assert {**before, user: None} == {**after, user: None}


def test_a_password_need_not_be_utf_8() -> None:
    """A plain password is compared octet by octet, in whatever encoding."""
    stored = parse_users(b"ana:{PLAIN}caf\xe9\n").hashes["ana"]
    assert verify(b"caf\xe9", stored)
    assert not verify("caf\xe9".encode(), stored)


def test_other_lines_and_fields_stay() -> None:
    """A new hash changes one field of one line and removes its doubles."""
    after = with_hash(FILE, user_name("ana@example.org"), "{PLAIN}new")
    expected = (
        FILE.replace(b"Ana@Example.org", b"ana@example.org")
        .replace(BCRYPT.encode(), b"{PLAIN}new")
        .replace(b"ana@example.org:{PLAIN}other\n", b"")
    )
    assert after == expected


def test_names_that_would_mean_something_else_are_not_written() -> None:
    """A colon, a leading "#" or a space at an end can not be in a line's name."""
    for name in ("a:b", "#a", " a", "a "):
        assert not can_be_written(name)
    assert can_be_written("a#b c@d")
