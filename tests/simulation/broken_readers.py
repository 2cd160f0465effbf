"""The readers of design §1, as patches of the product's own `look`.

Each remembers something else than the bytes that bound what may be read, and
looks no further while that is unchanged.
"""

from typing import Final

from tests.simulation.patching import Edit

READ: Final = "imapbox/index/read.py"

_COMPARE: Final = """\
        data = yield from read_head(head_fd)
        if data == token:
            return None
"""
_ANSWER: Final = "            return News(data, head, frames)\n"
_REMEMBER: Final = "            return News(seen, head, frames)\n"
_LOG: Final = 'f"{directory}/{segment_name(at.segment)}"'
_HEAD: Final = 'f"{directory}/head"'
_LOCKED: Final = """\
        from imapbox.locks.acquire import Identity, locked
        until = (yield from steps.monotonic()) + 30
        data = yield from locked(
            [f"{directory}/lock"], Identity("n", 1, "r"), until,
            lambda: read_head(head_fd),
        )
"""
_READ: Final = "        data = yield from read_head(head_fd)\n"


def _unless_same(stamp: str) -> str:
    return f"""\
        seen = repr(({stamp})).encode()
        if seen == token:
            return None
"""


def _mtime(path: str) -> str:
    return f'(yield steps.Call("mtime", ({path},)))'


def _size(path: str) -> str:
    return f'(yield steps.Call("stat_size", ({path},)))'


def _reader(compare: str, answer: str = _REMEMBER) -> tuple[Edit, ...]:
    return Edit(READ, _COMPARE, compare), Edit(READ, _ANSWER, answer)


MTIME: Final = _reader(_unless_same(_mtime(_LOG)) + _READ)
MTIME_AND_SIZE: Final = _reader(_unless_same(f"{_mtime(_LOG)}, {_size(_LOG)}") + _READ)
LOCKED_READ: Final = _reader(_unless_same(_mtime(_HEAD)) + _LOCKED)
STAT_FIRST: Final = _reader(_unless_same(_mtime(_HEAD)) + _READ)
LOCK_EACH_TIME: Final = _reader(
    _LOCKED + "        if data == token:\n            return None\n", _ANSWER
)

BROKEN: Final = {
    "mtime": MTIME,
    "mtime and size": MTIME_AND_SIZE,
    "mtime, then the header under the lock": LOCKED_READ,
    "stat before reading, coarse clock": STAT_FIRST,
}
