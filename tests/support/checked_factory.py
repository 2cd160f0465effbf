"""A factory of Twisted's whose servers are heard, all of them."""

from typing import Any

from twisted.internet.interfaces import IProtocolFactory
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory

from tests.support.response_checker import ResponseChecker


class _Heard(ProtocolWrapper):
    """Stands between a server and its transport."""

    def __init__(self, factory: Any, protocol: Any) -> None:
        super().__init__(factory, protocol)
        self._checker = ResponseChecker()

    def write(self, data: bytes) -> None:
        self._checker.receive(data)
        super().write(data)

    def writeSequence(self, data: Any) -> None:  # noqa: N802 - Twisted's
        self.write(b"".join(data))


class _Checked(WrappingFactory):
    protocol = _Heard
    noisy = False


def checked(factory: IProtocolFactory) -> IProtocolFactory:
    """Return a factory that serves the same, and holds it to the grammar."""
    return _Checked(factory)
