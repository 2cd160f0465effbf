"""The cache of logins that were right."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from twisted.internet.task import Clock

from imapbox.auth.cache import LoginCache
from imapbox.auth.hashes import parse_hash
from imapbox.model.names import UserName

USERS = st.sampled_from([UserName("a"), UserName("ab"), UserName("b")])
HASHES = st.sampled_from([parse_hash("{PLAIN}x"), parse_hash("{PLAIN}bx")])
PASSWORDS = st.sampled_from([b"", b"b", b"x", b"bx"])
SECONDS, MOST = 300.0, 4


class CacheMachine(RuleBasedStateMachine):
    """Beside the cache: a list of what it was told, when."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.cache = LoginCache(self.clock, seconds=SECONDS, most=MOST)
        self.told: list[tuple[object, float]] = []

    @rule(user=USERS, stored=HASHES, password=PASSWORDS)
    def remember(self, user, stored, password) -> None:
        what = (user, stored, password)
        self.cache.remember(*what)
        self.told = [each for each in self.told if each[0] != what]
        self.told = [*self.told, (what, self.clock.seconds() + SECONDS)][-MOST:]

    @rule(seconds=st.sampled_from([0.5, 100, 299.5, 300]))
    def wait(self, seconds) -> None:
        self.clock.advance(seconds)

    @rule()
    def forget(self) -> None:
        self.cache.forget()
        self.told = []

    @rule(user=USERS, stored=HASHES, password=PASSWORDS)
    def ask(self, user, stored, password) -> None:
        now = self.clock.seconds()
        expected = any(
            what == (user, stored, password) and now < until
            for what, until in self.told
        )
        assert self.cache.knows(user, stored, password) is expected
        if not expected:
            self.told = [
                each for each in self.told if each[0] != (user, stored, password)
            ]

    @invariant()
    def bounded(self) -> None:
        assert len(self.cache) <= MOST


class TestCache(CacheMachine.TestCase):
    """It knows what it was told for five minutes, the latest so many, no more."""


def test_who_logs_in_again_is_remembered_longest() -> None:
    """Where there is no room for all, those who logged in last stay."""
    cache = LoginCache(Clock(), most=2)
    stored = parse_hash("{PLAIN}x")
    assert stored is not None
    for name in ("a", "b", "a", "c"):
        cache.remember(UserName(name), stored, b"x")
    known = [name for name in "abc" if cache.knows(UserName(name), stored, b"x")]
    assert known == ["a", "c"]


def test_two_processes_remember_differently() -> None:
    """What one process keeps in memory means nothing to another."""
    one, other = LoginCache(Clock()), LoginCache(Clock())
    stored = parse_hash("{PLAIN}x")
    assert stored is not None
    for cache in (one, other):
        cache.remember(UserName("a"), stored, b"x")
    assert set(one._until) != set(other._until)
