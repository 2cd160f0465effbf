"""From a name and a password to a user."""

import pytest
from twisted.cred.checkers import (
    AllowAnonymousAccess,
    ICredentialsChecker,
    InMemoryUsernamePasswordDatabaseDontUse,
)
from twisted.cred.credentials import IUsernamePassword
from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from zope.interface import implementer

from imapbox.auth.errors import AuthenticationFailed, AuthenticationUnavailable
from imapbox.auth.login import Login


@implementer(ICredentialsChecker)
class Says:
    """A checker that says one thing to everybody, and remembers to whom."""

    credentialInterfaces = (IUsernamePassword,)  # noqa: N815 - Twisted's name

    def __init__(self, answer) -> None:
        self.answer = answer
        self.asked: list[tuple[bytes, bytes]] = []

    def requestAvatarId(self, credentials):
        self.asked.append((credentials.username, credentials.password))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def memory(**users: bytes) -> InMemoryUsernamePasswordDatabaseDontUse:
    return InMemoryUsernamePasswordDatabaseDontUse(**users)


def ask(checkers, user: bytes = b"ana", password: bytes = b"x") -> object:
    """Return the user's name, or the class of the error."""
    results: list[object] = []
    Deferred.fromCoroutine(Login(checkers).authenticate(user, password)).addBoth(
        results.append
    )
    return getattr(results[0], "type", results[0])


def test_any_checker_that_knows_is_enough() -> None:
    """Users of several checkers can log in, whatever the others say."""
    checkers = [memory(ana=b"x"), memory(bob=b"y"), Says(RuntimeError("broken"))]
    assert ask(checkers, b"bob", b"y") == "bob"
    assert ask(checkers, b"ana", b"x") == "ana"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"Ana", "ana"),
        ("A\u0308NA", "\xc4na"),
        ((), AuthenticationFailed),
        (b"\xff", AuthenticationFailed),
        (succeed(b"ana"), "ana"),
    ],
)
def test_whoever_is_let_in_has_a_name(answer, expected) -> None:
    """What a checker calls a user becomes the user's one name, or is refused."""
    assert ask([Says(answer)]) == expected


def test_a_checker_is_asked_for_the_normalized_name() -> None:
    """Two spellings of a name can not be two people with one account."""
    checker = Says(b"ana")
    ask([checker], b"A\xcc\x88NA")
    assert checker.asked == [("\xc4na".encode(), b"x")]


@pytest.mark.parametrize("broken", [RuntimeError(), AuthenticationUnavailable()])
def test_who_could_not_be_asked_may_have_known(broken) -> None:
    """A broken checker turns "no" into "try again", never into "yes"."""
    assert ask([memory(bob=b"y"), Says(broken)]) is AuthenticationUnavailable
    assert ask([Says(fail(broken)), memory(bob=b"y")]) is AuthenticationUnavailable


def test_the_refusals() -> None:
    """Nobody to ask, wrong password, anonymous, a NUL: authentication failed."""
    assert ask([]) is AuthenticationFailed
    assert ask([memory(ana=b"y")]) is AuthenticationFailed
    assert ask([AllowAnonymousAccess()]) is AuthenticationFailed
    assert ask([memory(ana=b"x\0")], b"ana", b"x\0") is AuthenticationFailed


def test_a_login_can_be_given_up() -> None:
    """Cancelling a login cancels the checker's work."""
    cancelled: list[object] = []
    waiting = Deferred(cancelled.append)
    login = Deferred.fromCoroutine(Login([Says(waiting)]).authenticate(b"ana", b"x"))
    login.cancel()
    assert cancelled == [waiting]
    failures: list[object] = []
    login.addErrback(failures.append)
    assert failures[0].check(CancelledError)
