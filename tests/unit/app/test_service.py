"""The server's beginning and end."""

from collections.abc import Callable

import pytest
from twisted.internet import tcp
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import Factory
from twisted.internet.task import Clock
from twisted.logger import globalLogPublisher

from imapbox.app.prompt_transport import PromptServer
from imapbox.app.service import LAST_SECONDS, Listener, ServerService
from imapbox.model.errors import UnknownFormat
from imapbox.store.format import NoStore, NotAStore


class Reactor(Clock):
    """A clock that notes whether a port is listened to."""

    def __init__(self, house: "House") -> None:
        super().__init__()
        self.happened = house.happened
        self.running = True
        self._hooks: list[Callable[[], object]] = []

    def callWhenRunning(self, hook: Callable[[], object]) -> None:  # noqa: N802 - Twisted's name
        if self.running:
            hook()
        else:
            self._hooks.append(hook)

    def run(self) -> None:
        self.running = True
        for hook in self._hooks:
            hook()

    def addReader(self, _: object) -> None:  # noqa: N802 - Twisted's name
        self.happened.append("accept")

    def removeReader(self, _: object) -> None:  # noqa: N802 - Twisted's name
        self.happened.append("wait")


class House:
    """A server of things that write down what happens to them."""

    def __init__(self, listening: object = None) -> None:
        self.happened: list[str] = []
        self.clock = Reactor(self)
        self.store_started: Deferred[None] = Deferred()
        self.sessions_ended: Deferred[None] = Deferred()
        self.store_stopped: Deferred[None] = Deferred()
        self.listening = listening
        self.service = ServerService(
            self,
            [Listener(self, self), Listener(self, self)],
            self.clock,
            last_resort=lambda seconds: self.happened.append(f"alarm {seconds}"),
            give_up=lambda: self.happened.append("give up"),
        )

    def serve(self) -> None:
        """Start, and forget how."""
        self.service.startService()
        self.store_started.callback(None)
        self.happened.clear()

    # The endpoint and its port.
    def listen(self, factory) -> object:
        assert factory is self
        self.happened.append("listen")
        return self.listening or succeed(self)

    def stopListening(self) -> None:  # noqa: N802 - Twisted's name
        self.happened.append("close")

    # The sessions.
    def shutdown(self, patience: float) -> Deferred[None]:
        self.happened.append("bye")
        self.clock.callLater(patience, self._cut)
        return self.sessions_ended

    def _cut(self) -> None:
        if not self.sessions_ended.called:
            self.sessions_ended.callback(None)

    # The store.
    async def start(self) -> None:
        self.happened.append("start")
        await self.store_started

    async def stop(self) -> None:
        self.happened.append("stop")
        await self.store_stopped


@pytest.fixture
def logged():
    events = []
    globalLogPublisher.addObserver(events.append)
    yield events
    globalLogPublisher.removeObserver(events.append)


def test_ports_are_bound_before_privileges_go() -> None:
    """Binding comes first; the store is opened as the user that serves."""
    house = House()
    house.service.privilegedStartService()
    assert house.happened == ["listen", "listen"]
    house.service.startService()
    assert house.happened == ["listen", "listen", "wait", "wait", "start"]


def test_connections_are_prompt() -> None:
    """What a port accepts sends at once what can be sent."""
    port = tcp.Port(0, Factory())
    House(succeed(port)).service.privilegedStartService()
    assert port.transport is PromptServer


def test_clients_wait_until_the_store_is_open() -> None:
    """Who connects early is served when the store is there, not refused."""
    house = House()
    house.service.startService()
    assert house.happened[-1] == "start"
    house.store_started.callback(None)
    assert house.happened[-1] == "accept"


@pytest.mark.parametrize(
    "error",
    [
        NotAStore(),
        NoStore("/srv/mail"),
        UnknownFormat(),
        OSError(13, "Permission denied"),
    ],
)
def test_a_store_that_can_not_be_opened_ends_it(logged, error: Exception) -> None:
    """If there is no store to serve, one line says why, and nobody is served."""
    house = House()
    house.service.startService()
    house.store_started.errback(error)
    assert house.happened[-1] == "give up"
    assert [event["log_level"].name for event in logged][-1] == "critical"
    house.sessions_ended.callback(None)
    assert house.service.stopService().called
    assert "stop" not in house.happened
    assert "accept" not in house.happened


def test_one_that_is_not_even_there_ends_it_once_it_runs() -> None:
    """What is known before the reactor runs ends it when it does: nobody hears no."""
    house = House()
    house.clock.running = False
    house.store_started.errback(NoStore("/srv/mail"))
    house.service.startService()
    assert "give up" not in house.happened
    house.clock.run()
    assert house.happened[-1] == "give up"


def test_it_can_be_ended_while_it_opens() -> None:
    """An end that comes early ends the opening, too."""
    house = House()
    house.service.startService()
    house.sessions_ended.callback(None)
    assert house.service.stopService().called
    assert "accept" not in house.happened


def test_it_can_be_started_without_privileges() -> None:
    """Embedded in another application, it still listens, once."""
    house = House()
    house.service.startService()
    assert house.happened == ["listen", "listen", "wait", "wait", "start"]


def test_the_end_has_an_order() -> None:
    """No new client, then goodbye to all, then the store; then it is over."""
    house = House()
    house.serve()
    ended = house.service.stopService()
    assert house.happened == [f"alarm {LAST_SECONDS}", "close", "close", "bye"]
    house.sessions_ended.callback(None)
    assert house.happened[-1] == "stop"
    assert not ended.called
    house.store_stopped.callback(None)
    assert ended.called


def test_the_end_comes_whatever_hangs() -> None:
    """Sessions that stay and a store that hangs are waited for, but not long."""
    house = House()
    house.serve()
    ended = house.service.stopService()
    house.clock.pump([0.5] * 17)
    assert ended.called
    assert house.clock.seconds() < LAST_SECONDS
    assert house.happened[-1] == "stop"


def test_a_failure_keeps_nobody_from_ending(logged) -> None:
    """Trouble at one step of the end is logged, and the next is taken."""
    house = House()
    house.serve()
    house.sessions_ended.errback(ValueError("trouble"))
    house.store_stopped.errback(ValueError("more trouble"))
    assert house.service.stopService().called
    assert house.happened[-1] == "stop"
    assert [event["what"] for event in logged if "what" in event] == [
        "ending sessions",
        "closing the store",
    ]


def test_a_port_that_is_taken_ends_the_start(logged) -> None:
    """If a port can not be bound, one line says which, and nothing is started."""
    house = House(fail(CannotListenError("127.0.0.1", 143, OSError("in use"))))
    with pytest.raises(SystemExit):
        house.service.privilegedStartService()
    assert "127.0.0.1:143" in logged[-1]["reason"]
    assert house.happened == ["listen", "listen"]


@pytest.mark.parametrize(("uid", "warnings"), [(0, 1), (1000, 0)])
def test_root_is_warned(logged, monkeypatch: pytest.MonkeyPatch, uid, warnings) -> None:
    """A server that runs as root says so, once."""
    monkeypatch.setattr("os.geteuid", lambda: uid)
    House().service.startService()
    warned = [event for event in logged if event["log_level"].name == "warn"]
    assert len(warned) == warnings
