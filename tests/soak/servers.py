"""Four real servers on one store; those that are killed come back."""

import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGUSR1
from threading import Event
from typing import Any, Final, TypeAlias

from benchmarks.load.connection import wait_until_listening
from benchmarks.servers import LOOPBACK, free_ports, made_store, running

Address: TypeAlias = tuple[str, int]
_MAIL: Final = "/store/users/"
_PATIENCE: Final = 180.0
_SOON: Final = 20.0
_LISTENING: Final = 2


@dataclass
class Held:
    """What a process holds.

    Attributes:
        anonymous: Octets of memory that belong to nobody else.
        resident: Octets, those shared with others included.
        blocks: What Python allocated.
        files: What its descriptors are of.
        kinds: How many objects there are of each type, the most first.
        objects: How many there are in all.
        arrays: How many octets are in arrays, by what they are for.
        malloc: What C says of its memory.
    """

    anonymous: int
    resident: int
    blocks: int
    objects: int
    files: list[str]
    kinds: dict[str, int]
    arrays: dict[str, int]
    malloc: dict[str, int]

    @property
    def counts(self) -> tuple[int, int]:
        """Return how many descriptors are of anything else, and of users' mail.

        Of each mailbox that it keeps open it has the head, and the snapshot from
        which it was read, if there was one.
        """
        mail = sum(_MAIL in name for name in self.files)
        return len(self.files) - mail, mail

    @property
    def rest(self) -> str:
        """Say what else is known."""
        return f"{self.objects} objects, {self.arrays}, {self.malloc}"


class Server:
    """One process of them, with ports of its own.

    Args:
        directory: For what it needs and says.
        options: Of `tests.soak.server`, and of twistd.
    """

    def __init__(self, directory: Path, options: Sequence[str]) -> None:
        imap, lmtp = free_ports(2)
        self.imap: Address = (LOOPBACK, imap)
        self.lmtp: Address = (LOOPBACK, lmtp)
        self.log = directory / "log"
        self._report = directory / "report"
        self._command = [
            *(sys.executable, "-m", "tests.soak.server", str(self._report), *options),
            f"--imap=tcp:{imap}:interface={LOOPBACK}",
            f"--lmtp=tcp:{lmtp}:interface={LOOPBACK}",
        ]
        self._stack = ExitStack()

    @property
    def pid(self) -> int:
        """Return the process that serves now."""
        return self._process.pid

    def start(self) -> None:
        """Begin to serve."""
        process = running(self._command, log=self.log)
        self._process = self._stack.enter_context(process)

    def wait(self) -> None:
        """Return when it serves."""
        for address in (self.imap, self.lmtp):
            wait_until_listening(
                address, patience=_PATIENCE, hope=lambda: self._process.poll() is None
            )

    def kill(self) -> None:
        """End it as nothing can hinder."""
        self._process.kill()
        self._process.wait()
        self.stop()

    def stop(self) -> None:
        """End it in good order."""
        self._stack.close()

    def memory(self) -> tuple[int, int]:
        """Return how much memory is its own, and how much is resident."""
        text = Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        sizes = dict(line.split(":") for line in text.splitlines()[1:])
        anonymous, resident = (
            int(sizes[name].split()[0]) * 1024 for name in ("Anonymous", "Rss")
        )
        return anonymous, resident

    def held(self) -> Held:
        """Return what it holds, once it has done all that there is to do."""
        self._wait_until_alone()
        self._report.unlink(missing_ok=True)
        self._process.send_signal(SIGUSR1)
        give_up = time.monotonic() + _PATIENCE
        while not self._report.exists():
            assert time.monotonic() < give_up, "it says nothing"
            Event().wait(0.02)
        said: dict[str, Any] = json.loads(self._report.read_text())
        anonymous, resident = self.memory()
        said["kinds"] = dict(said["kinds"])
        return Held(anonymous, resident, **said)

    def _wait_until_alone(self) -> None:
        """Let it see that its clients are gone; a busy machine takes its time."""
        give_up = time.monotonic() + _SOON
        while self._sockets() > _LISTENING and time.monotonic() < give_up:
            Event().wait(0.02)

    def _sockets(self) -> int:
        names = []
        for fd in Path(f"/proc/{self.pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # it was closed just now
                names.append(str(fd.readlink()))
        return sum(name.startswith("socket:") for name in names)


@contextmanager
def servers(
    directory: Path, store: Path, users: dict[str, str], grace: float
) -> Iterator[list[Server]]:
    """Run four of them."""
    passwd = directory / "passwd"
    passwd.write_text("".join(f"{u}:{{PLAIN}}{word}\n" for u, word in users.items()))
    options = [
        *(str(grace), f"--store={store}", f"--auth=passwd:{passwd}"),
        f"--runtime={directory / 'runtime'}",
    ]
    (directory / "runtime").mkdir(mode=0o700)
    made_store(store)
    with ExitStack() as stack:
        started = []
        for number in range(4):
            (directory / str(number)).mkdir()
            server = Server(directory / str(number), options)
            stack.callback(server.stop)
            server.start()
            started.append(server)
        for server in started:
            server.wait()
        yield started
