"""Which lines of the handlers were run, counted while the reactor's thread runs."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from inspect import CO_NEWLOCALS
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import imapbox.imap.handlers

HANDLERS = Path(imapbox.imap.handlers.__file__).parent


@dataclass
class HandlerLines:
    """What can be run, and what was.

    Attributes:
        reached: File name and line of what was run.
    """

    reached: set[tuple[str, int]] = field(default_factory=set)

    def missed(self) -> list[str]:
        """Return what never ran, as ``file:line``."""
        return [
            f"{name}:{line}"
            for name, line in sorted(_all_lines())
            if (name, line) not in self.reached
        ]

    def stop_at(self, share: float) -> None:
        """Note nothing more if such a share of the lines ran."""
        if sys.gettrace() is not None and self.share() >= share:
            sys.settrace(None)

    def share(self) -> float:
        """Return which share of the lines ran."""
        lines = _all_lines()
        return len(lines & self.reached) / len(lines)


@contextmanager
def handler_lines() -> Iterator[HandlerLines]:
    """Note the lines of handlers that run in this thread."""
    lines = HandlerLines()
    reached, prefix = lines.reached, f"{HANDLERS}/"

    def in_handler(frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            name = frame.f_code.co_filename.removeprefix(prefix)
            reached.add((name, frame.f_lineno))
        return in_handler

    def on_call(frame: FrameType, _event: str, _: Any) -> Any:
        return in_handler if frame.f_code.co_filename.startswith(prefix) else None

    before = sys.gettrace()
    sys.settrace(on_call)
    try:
        yield lines
    finally:
        sys.settrace(before)


@cache
def _all_lines() -> frozenset[tuple[str, int]]:
    """Return the lines of functions; those of modules run when they are read."""
    found: set[tuple[str, int]] = set()
    for path in HANDLERS.glob("*.py"):
        module = compile(path.read_text(), str(path), "exec")
        for code in _functions(module):
            found |= {
                (path.name, line)
                for _, _, line in code.co_lines()
                if line is not None and line != code.co_firstlineno
            }
    return frozenset(found)


def _functions(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            # Bodies of classes, and what stands in brackets, run with the module.
            in_module = code.co_name == "<module>" and constant.co_name[0] == "<"
            if constant.co_flags & CO_NEWLOCALS and not in_module:
                yield constant
            yield from _functions(constant)
