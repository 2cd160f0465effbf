"""What the proofs looked at is told at the end of the run."""

from collections.abc import Callable

import pytest

_LINES: list[str] = []


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Callable[[object], None]:
    """Return what takes a line for the end of the run."""

    def take(line: object) -> None:
        _LINES.append(f"{request.node.name}: {line}")

    return take


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _LINES:
        terminalreporter.section("what was looked at")
    for line in _LINES:
        terminalreporter.write_line(line)
