"""`imapbox demo`, and whether it would notice a lie."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from benchmarks.servers import free_ports
from tests.conftest import EFFORT

IMAPBOX = Path(sys.executable).with_name("imapbox")


def demo(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [IMAPBOX, "demo", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )


@contextmanager
def proxy_without(swallowed: bytes, port: int) -> Iterator[int]:
    """Stand between an IMAP client and ``port``, and swallow one line; yield where."""

    def serve() -> None:
        client, _ = listener.accept()
        with client, socket.create_connection(("127.0.0.1", port)) as server:
            threading.Thread(target=pass_on, args=(client, server)).start()
            with server.makefile("rb") as lines:
                for line in lines:
                    if line != swallowed:
                        client.sendall(line)

    def pass_on(client: socket.socket, server: socket.socket) -> None:
        while data := client.recv(4096):
            server.sendall(data)
        server.shutdown(socket.SHUT_WR)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]


def demo_without(swallowed: bytes) -> "subprocess.CompletedProcess[str]":
    """Run it through a proxy that swallows one line."""
    (port,) = free_ports(1)
    with proxy_without(swallowed, port) as through:
        return demo("--once", f"--imap-port={port}", f"--imap-through={through}")


def test_every_noop_tells_the_truth() -> None:
    """The demo delivers five messages, each seen by the next NOOP, and ends with 0."""
    done = demo_without(b"* 6 EXISTS\r\n")  # which is never said
    assert done.returncode == 0, done.stdout
    assert [f"* {n} EXISTS" in done.stdout for n in range(1, 6)] == [True] * 5
    assert "5 NOOPs that told the truth" in done.stdout


def test_a_swallowed_exists_is_noticed() -> None:
    """A proxy that swallows one EXISTS makes the demo end with 1."""
    done = demo_without(b"* 3 EXISTS\r\n")
    assert done.returncode == 1, done.stdout
    assert "4 NOOPs that told the truth" in done.stdout


@pytest.mark.parametrize(
    "how", [signal.SIGINT] if EFFORT == 1 else [signal.SIGINT, signal.SIGTERM]
)
def test_it_stays_until_ctrl_c(require_program, how: signal.Signals) -> None:
    """The demo stays, its printed commands work, and Ctrl-C removes all it made."""
    require_program("curl")
    running = subprocess.Popen(
        [IMAPBOX, "demo"],
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
        # So that its servers can be ended if it fails to.
        start_new_session=True,
    )
    try:
        said = ""
        while "Ctrl-C" not in said:
            line = running.stdout.readline()
            assert line, said
            said += line
        curl, examine, deliver = re.findall(
            r"^  ((?:curl|printf) .*)$", said, re.MULTILINE
        )
        message = subprocess.check_output(curl, shell=True, text=True)  # noqa: S602 - as printed
        assert "Subject: The moth\n" in message.replace("\r", "")
        subprocess.run(deliver, shell=True, check=True)  # noqa: S602 - as printed
        counts = subprocess.check_output(examine, shell=True, text=True)  # noqa: S602 - as printed
        assert "* 6 EXISTS" in counts
        store = Path(re.search(r"--store (\S+)", deliver)[1])
        assert store.is_dir()
        running.send_signal(how)
        assert running.wait(timeout=15) == 0
        assert not store.parent.exists()
    finally:
        with suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
        running.communicate()


def test_a_port_that_is_taken_fails_the_demo() -> None:
    """A demo that can not serve says why, and ends with 1."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = demo("--once", f"--imap-port={taken.getsockname()[1]}")
    assert done.returncode == 1
    assert "Couldn't listen" in done.stdout
