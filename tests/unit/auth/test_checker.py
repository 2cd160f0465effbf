"""The checker over a passwd-file."""

from pathlib import Path

import pytest
from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import UsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.internet.defer import Deferred, execute
from twisted.internet.task import Clock
from zope.interface import implementer
from zope.interface.verify import verifyObject

from imapbox.auth.checker import PasswdChecker
from imapbox.auth.errors import AuthenticationUnavailable
from imapbox.auth.hashes import blf_crypt, verify
from imapbox.auth.interfaces import IUserDirectory
from imapbox.auth.users import Directories
from imapbox.model.errors import StoreFailure
from imapbox.model.names import UserName

ANA = blf_crypt(b"right", cost=4)


class Inline:
    """Threads that are none, and remember which hashes were checked."""

    def __init__(self) -> None:
        self.verified: list[object] = []

    def run(self, work, *args):
        if work is verify:
            self.verified.append(args[1])
        return execute(work, *args)


@implementer(IUserDirectory)
class Directory:
    def __init__(self, answer) -> None:
        self.answer = answer

    async def knows(self, user):
        assert user == "a"
        return self.answer


class House:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = Clock()
        self.threads = Inline()
        self.checker = PasswdChecker(path, self.threads, self.clock)

    def write(self, text: str) -> None:
        self.path.write_text(text)

    def login(self, user: bytes, password: bytes) -> object:
        """Return the avatar id, or the class of the error."""
        results: list[object] = []
        self.checker.requestAvatarId(UsernamePassword(user, password)).addBoth(
            results.append
        )
        (result,) = results
        return getattr(result, "type", result)

    def knows(self, user: str) -> object:
        results: list[object] = []
        Deferred.fromCoroutine(self.checker.knows(UserName(user))).addBoth(
            results.append
        )
        return getattr(results[0], "type", results[0])


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = House(tmp_path / "passwd")
    house.write(f"ana:{ANA}\nbob:{ANA}\nplain:{{PLAIN}}right\nodd:{{NTLM}}x\n")
    return house


def test_it_is_what_twisted_asks_for(house: House) -> None:
    """It serves any Twisted portal, and tells who exists."""
    assert verifyObject(ICredentialsChecker, house.checker)
    assert verifyObject(IUserDirectory, house.checker)


@pytest.mark.parametrize("user", [b"ana", b"ANA", b"plain"])
def test_the_right_password_lets_in(house: House, user: bytes) -> None:
    """A user with the right password is let in, under the normalized name."""
    assert house.login(user, b"right") == user.lower()


@pytest.mark.parametrize(
    "user", [b"ana", b"plain", b"nobody", b"odd", b"", b"\xff", b"a\nb"]
)
def test_anything_else_is_the_same_refusal(house: House, user: bytes) -> None:
    """Wrong password, no such user, no usable hash, no possible name: all one."""
    assert house.login(user, b"wrong") is UnauthorizedLogin


def test_who_does_not_exist_costs_as_much(house: House) -> None:
    """Unknown users cost one check of the kind that most users cost."""
    for user in (b"ana", b"nobody", b"odd", b"\xff"):
        house.threads.verified.clear()
        house.login(user, b"wrong")
        (checked,) = house.threads.verified
        assert (checked.scheme, checked.cost) == ("BLF-CRYPT", "$04$")


def test_nobody_gets_in_by_the_decoy(house: House) -> None:
    """The right password of the user behind the decoy lets no other name in."""
    for user in (b"nobody", b"odd", b"\xff"):
        assert house.login(user, b"right") is UnauthorizedLogin


def test_a_right_password_is_checked_once_in_five_minutes(house: House) -> None:
    """A repeated good login costs no check; a bad one always does."""
    for _ in range(3):
        assert house.login(b"ana", b"right") == b"ana"
        assert house.login(b"ana", b"wrong") is UnauthorizedLogin
    assert len(house.threads.verified) == 4
    house.clock.advance(301)
    house.login(b"ana", b"right")
    assert len(house.threads.verified) == 5


def test_one_users_password_is_not_anothers(house: House) -> None:
    """What was verified for one user is not taken for another with that hash."""
    assert house.login(b"ana", b"right") == b"ana"
    house.write(f"ana:{ANA}\nbob:{blf_crypt(b'other', cost=4)}\n")
    assert house.login(b"bob", b"right") is UnauthorizedLogin


def test_a_changed_password_counts_at_once(house: House) -> None:
    """The old password ends with the file's change, cached or not."""
    assert house.login(b"ana", b"right") == b"ana"
    house.write(f"ana:{blf_crypt(b'new', cost=4)}\n")
    assert house.login(b"ana", b"right") is UnauthorizedLogin
    assert house.login(b"ana", b"new") == b"ana"


def test_without_the_file_nobody_can_tell(house: House) -> None:
    """A file that can not be read is a trouble of ours, not a wrong password."""
    house.path.unlink()
    assert house.login(b"ana", b"right") is AuthenticationUnavailable
    assert house.knows("ana") is StoreFailure


def test_who_can_not_log_in_still_gets_mail(house: House) -> None:
    """Whoever the file names exists."""
    assert [house.knows(user) for user in ("ana", "odd", "nobody")] == [
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([], None),
        ([None], None),
        ([False, None], False),
        ([None, True], True),
        ([False, True], True),
        ([False, False], False),
    ],
)
def test_one_directory_that_knows_is_enough(answers, expected) -> None:
    """Several directories: known to one is known; None only if none can tell."""
    directories = Directories([object(), *map(Directory, answers)])
    said = Deferred.fromCoroutine(directories.knows(UserName("a")))
    assert said.result is expected
