"""Connections without end: row 15."""

import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace

import pytest

from benchmarks.load.connection import Connection, ConnectionEnded
from benchmarks.load.imap import Refused
from benchmarks.load.lmtp import LmtpClient, stuffed
from benchmarks.processes import alive
from benchmarks.servers import (
    LOOPBACK,
    Server,
    free_ports,
    imapbox_process,
    short_directory,
)
from benchmarks.servers import _await_greetings as await_greetings
from imapbox.auth.hashes import blf_crypt
from imapbox.auth.passwd_file import SETTLED_SECONDS
from tests.support.checked_clients import CheckedClient
from tests.support.victim import BOUND, Canary

PASSWORDS = {"alice": "wonderland", "carol": "singer"}


@dataclass(frozen=True)
class Site:
    """Two processes that serve one store; a proxy may stand before each.

    The first takes mail, too.
    """

    servers: tuple[Server, Server]
    proxied: tuple[tuple[str, int], ...]
    processes: tuple[subprocess.Popen[bytes], ...]
    lmtp: str


@pytest.fixture
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """A site that the attack must leave alive, its canary untouched.

    The parameter is how many descriptors a process may have, if that matters.
    """
    descriptors = getattr(request, "param", None)
    with short_directory() as directory, ExitStack() as stack:
        passwd = directory / "passwd"
        lines = [f"{user}:{{PLAIN}}{word}\n" for user, word in PASSWORDS.items()]
        lines.append(f"dora:{blf_crypt(b'sloth', cost=12)}\n")  # it takes a while
        passwd.write_text("".join(lines))
        log = directory / "log"
        ports = free_ports(4)
        servers, processes = [], []
        lmtp = str(directory / "lmtp")
        ways_in: tuple[str, ...] = ("--lmtp", f"unix:{lmtp}")
        for plain, proxied in (ports[:2], ports[2:]):
            process = stack.enter_context(
                imapbox_process(
                    directory / "store",
                    *("--auth", f"passwd:{passwd}", "--cleartext", "always"),
                    *("--imap", f"tcp:{plain}:interface={LOOPBACK}"),
                    *("--imap", f"haproxy:tcp:{proxied}:interface={LOOPBACK}"),
                    *ways_in,
                    log=log,
                    descriptors=descriptors,
                )
            )
            ways_in = ()
            await_greetings([(LOOPBACK, plain)], process, log)
            address = (LOOPBACK, plain)
            processes.append(process)
            servers.append(
                Server(
                    "imapbox",
                    "",
                    address,
                    address,
                    PASSWORDS,
                    log,
                    roots=(process.pid,),
                )
            )
        site = Site(
            (servers[0], servers[1]),
            ((LOOPBACK, ports[1]), (LOOPBACK, ports[3])),
            tuple(processes),
            lmtp,
        )
        CheckedClient(site.servers[0].imap).close()
        with Canary(replace(servers[0]), "carol") as canary:
            yield site
        assert alive(processes[0].pid)
        assert "Traceback" not in log.read_text()
        assert canary.error is None
        assert canary.worst < BOUND


def from_afar(address: tuple[str, int], host: str = "192.0.2.7") -> Connection:
    """Return a connection that a proxy makes for a client."""
    client = Connection(address)
    client.send(b"PROXY TCP4 %b 127.0.0.1 4711 143\r\n" % host.encode())
    return client


def lets_in(connect: Callable[[], Connection]) -> bool:
    """Say whether a connection is served."""
    with connect() as client:
        return b"* BYE [UNAVAILABLE] Too many" not in client.line()


def test_an_address_has_thirty(site: Site) -> None:
    """Row 15: two processes let 30 silent ones of one address in; a dead one's go."""
    one, other = site.proxied
    with ExitStack() as stack:
        for number in range(30):
            client = stack.enter_context(from_afar(site.proxied[number % 2]))
            assert client.line().startswith(b"* OK ")
        assert not lets_in(lambda: from_afar(one))
        assert not lets_in(lambda: from_afar(other))
        assert lets_in(lambda: from_afar(other, "192.0.2.8"))
        os.kill(site.processes[1].pid, signal.SIGKILL)
        site.processes[1].wait()
        for _ in range(15):
            client = stack.enter_context(from_afar(one))
            assert client.line().startswith(b"* OK ")
        assert not lets_in(lambda: from_afar(one))


def test_a_user_has_twenty(site: Site) -> None:
    """Row 15: two processes log one user in 20 times; who leaves makes room."""

    def log_in(number: int) -> CheckedClient:
        client = CheckedClient(site.servers[number % 2].imap)
        try:
            client.login("alice", PASSWORDS["alice"])
        except BaseException:
            client.close()
            raise
        return client

    with ExitStack() as stack:
        first, *_ = [stack.enter_context(log_in(number)) for number in range(20)]
        for number in range(2):
            with pytest.raises(Refused, match="LIMIT"):
                log_in(number)
        first.command(b"LOGOUT")
        stack.enter_context(log_in(1))
        with pytest.raises(Refused, match="LIMIT"):
            log_in(0)


def test_strangers_keep_nobody_out(site: Site) -> None:
    """Row 15: beside 1,500 who say nothing a user logs in, and the oldest go."""
    server = site.servers[0]
    with ExitStack() as stack:
        strangers = [
            stack.enter_context(Connection(server.imap, patience=20))
            for _ in range(1500)
        ]
        with CheckedClient(server.imap) as client:
            client.login("alice", PASSWORDS["alice"])
            client.command(b"NOOP")
        assert strangers[0].line().startswith(b"* OK ")
        assert strangers[0].line().startswith(b"* BYE [UNAVAILABLE] ")
        with pytest.raises(ConnectionEnded):
            strangers[0].line()
        assert strangers[-1].line().startswith(b"* OK ")


@pytest.mark.parametrize("site", [120], indirect=True)
def test_without_descriptors(site: Site) -> None:
    """Row 15: a process without descriptors accepts again within a second."""
    server = site.servers[0]
    for _ in range(3):
        with ExitStack() as stack:
            for _ in range(400):
                stack.enter_context(Connection(server.imap))
        began = time.monotonic()
        while True:
            try:
                with CheckedClient(server.imap) as client:
                    client.login("alice", PASSWORDS["alice"])
                break
            except ConnectionError:
                assert time.monotonic() - began < 1


@pytest.mark.parametrize("site", [700], indirect=True)
def test_deliverers_take_no_descriptor_that_is_kept(site: Site) -> None:
    """Row 15: beside 720 MTAs that say nothing, mail is read, stored and delivered."""
    server = site.servers[0]
    with ExitStack() as stack:
        mta = stack.enter_context(LmtpClient(site.lmtp))
        idle = [stack.enter_context(Connection(site.lmtp)) for _ in range(720)]
        assert Counter(each.line()[:3] for each in idle) == {b"220": 86, b"421": 634}
        with CheckedClient(server.imap) as client:
            client.login("alice", PASSWORDS["alice"])
            for mailbox in (b"Sent", b"Junk", b"Drafts"):
                client.command(b"STATUS %b (MESSAGES)" % mailbox)
                client.command(b"APPEND %b {3+}\r\nhi!" % mailbox)
        mta.must_deliver(stuffed(b"Subject: hi\r\n\r\n"), "alice")


def test_guesses_on_many_connections(site: Site) -> None:
    """Row 16: of an address's guesses two processes look at fifty, and then at none."""
    for number in range(50):
        with from_afar(site.proxied[number % 2]) as client:
            client.send(b"b LOGIN alice guess%d\r\nc NOOP\r\n" % number)
            assert client.line().startswith(b"* OK ")
            # Its answer comes a second late; nobody who guesses waits for it.
            wait_until_refused(site, number + 1)
    for address in site.proxied:
        with from_afar(address) as client:
            client.send(b"b LOGIN alice wonderland\r\n")
            said = [client.line() for _ in range(2)]
            assert said[1].startswith(b"b NO [UNAVAILABLE] Too many wrong passwords ")
    with from_afar(site.proxied[0], "192.0.2.8") as client:
        client.send(b"b LOGIN alice wonderland\r\n")
        assert [client.line() for _ in range(2)][1].startswith(b"b OK ")


def guessing(address: tuple[str, int], host: str) -> Connection:
    """Return a connection whose password is being looked at, or waits for it."""
    client = from_afar(address, host)
    assert client.line().startswith(b"* OK ")
    client.send(b"a NOOP\r\nb LOGIN dora wrong\r\n")
    # It is told when all that came with it is done, or waits.
    assert client.line().startswith(b"a OK ")
    return client


def settle(site: Site) -> None:
    """Wait until the passwd-file need not be read again for each login."""
    passwd = site.servers[0].log.with_name("passwd")
    while time.time() < passwd.stat().st_ctime + SETTLED_SECONDS:
        time.sleep(0.05)  # noqa: TID251 - a file's ctime is the kernel's
    with CheckedClient(site.servers[0].imap) as client:
        client.login("alice", PASSWORDS["alice"])


def log_in_from(address: tuple[str, int], host: str) -> bytes:
    """Return what is said to a right password."""
    with from_afar(address, host) as client:
        client.send(b"b LOGIN dora sloth\r\n")
        return [client.line() for _ in range(2)][1]


def test_guesses_that_are_not_waited_for(site: Site) -> None:
    """Row 16: who hangs up while his password is looked at has guessed, too."""
    for number in range(50):
        guessing(site.proxied[number % 2], "192.0.2.7").close()
    for address in site.proxied:
        said = log_in_from(address, "192.0.2.7")
        assert said.startswith(b"b NO [UNAVAILABLE] Too many wrong passwords ")
    assert log_in_from(site.proxied[0], "192.0.2.8").startswith(b"b OK ")


def test_who_hangs_up_keeps_nobody_out(site: Site) -> None:
    """Row 16: logins that nobody waits for any more are in nobody's way."""
    settle(site)
    with ExitStack() as stack:
        for number in range(100):
            client = guessing(site.proxied[0], f"192.0.2.{number % 4}")
            stack.enter_context(client)
    assert log_in_from(site.proxied[0], "192.0.2.8").startswith(b"b OK ")


def wait_until_refused(site: Site, count: int) -> None:
    """Wait until the log tells of so many wrong passwords."""
    until = time.monotonic() + 20
    while site.servers[0].log.read_text().count("login refused for") < count:
        assert time.monotonic() < until
        time.sleep(0.005)  # noqa: TID251 - another process's log has no event
