"""`twistd imapbox` as a real process: its options, its TLS, its beginning and end."""

import imaplib
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.load.lmtp import LmtpClient, stuffed
from benchmarks.servers import free_ports, imapbox_process, made_store
from tests.support.certificates import make_pem
from tests.support.checked_clients import CheckedIMAP4, CheckedIMAP4SSL

TWISTD = Path(sys.executable).with_name("twistd")
HERE = "127.0.0.1"
MESSAGE = stuffed(b"Subject: hello\r\n\r\nworld\r\n")


@pytest.fixture
def passwd(tmp_path: Path) -> Path:
    path = tmp_path / "passwd"
    path.write_text("alice:{PLAIN}wonderland\nbob:{PLAIN}builder\n")
    return path


def refused(*arguments: str, cwd: Path) -> str:
    """Return what a twistd printed that must not start."""
    done = subprocess.run(
        [TWISTD, "-n", "--pidfile=", "imapbox", *arguments],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stdout
    return done.stdout


def wait_for(log: Path, text: str) -> None:
    """Wait until a log says ``text``."""
    until = time.monotonic() + 20
    while text not in (log.read_text() if log.exists() else ""):
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.02)  # noqa: TID251 - another process's log has no event


def test_a_bad_option_is_one_sentence(tmp_path: Path) -> None:
    """A mistake in the options is told in the last line, without a traceback."""
    said = refused("--store", "s", "--imap", "tcp:0", cwd=tmp_path)
    assert said.splitlines()[-1].endswith("IMAP needs --auth: nobody could log in.")
    assert list(tmp_path.iterdir()) == []


def test_a_port_that_is_taken_is_one_line(tmp_path: Path, passwd: Path) -> None:
    """A port that somebody has is one line of the log, and the end."""
    with socket.create_server((HERE, 0)) as taken:
        port = taken.getsockname()[1]
        said = refused(
            *("--store", "s", "--auth", f"passwd:{passwd}"),
            *("--imap", f"tcp:{port}:interface={HERE}"),
            cwd=tmp_path,
        )
    assert f"Couldn't listen on {HERE}:{port}" in said


def test_a_directory_of_something_else_is_left_alone(
    tmp_path: Path, passwd: Path
) -> None:
    """A directory that is no store is not made one: one line, and the end.

    Nor is one that is not there.
    """
    said = refused(
        *("--store", str(tmp_path), "--lmtp", f"tcp:0:interface={HERE}"), cwd=tmp_path
    )
    assert "holds something else" in said
    missing = str(tmp_path / "missing")
    said = refused(
        *("--store", missing, "--lmtp", f"tcp:0:interface={HERE}"), cwd=tmp_path
    )
    assert f"There is no mail store at {missing}: mount what belongs there" in said
    assert [each.name for each in tmp_path.iterdir()] == [passwd.name]


@pytest.fixture
def started(
    tmp_path: Path, passwd: Path
) -> Iterator[tuple[dict[str, int], subprocess.Popen[bytes], Path]]:
    """A process that serves everything: its ports, itself, its log."""
    ports = dict(zip(("imap", "imaps", "lmtp"), free_ports(3), strict=True))
    log = tmp_path / "log"
    with imapbox_process(
        tmp_path / "store",
        *("--auth", f"passwd:{passwd}", "--certificate", str(make_pem(tmp_path))),
        *("--cleartext", "never"),
        *(
            f"--{listener}=tcp:{port}:interface={HERE}"
            for listener, port in ports.items()
        ),
        log=log,
    ) as process:
        wait_for(log, "imapbox serves")
        yield ports, process, log


def trusting(pem: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(pem))
    context.check_hostname = False  # it says localhost, we say 127.0.0.1
    return context


def test_passwords_pass_within_tls_only(started, tmp_path: Path) -> None:
    """STARTTLS and the TLS port let users log in; in clear nobody may, if so told."""
    ports, _, _ = started
    context = trusting(tmp_path / "root.pem")
    with CheckedIMAP4(HERE, ports["imap"], timeout=10) as imap:
        assert "LOGINDISABLED" in imap.capabilities
        with pytest.raises(imaplib.IMAP4.error, match="TLS"):
            imap.login("alice", "wonderland")
        imap.starttls(context)
        assert "LOGINDISABLED" not in imap.capabilities
        assert "STARTTLS" not in imap.capabilities
        assert imap.login("alice", "wonderland")[0] == "OK"
    with CheckedIMAP4SSL(HERE, ports["imaps"], ssl_context=context) as imap:
        assert "STARTTLS" not in imap.capabilities
        with pytest.raises(imaplib.IMAP4.error):
            imap.login("alice", "builder")
        assert imap.login("bob", "builder")[0] == "OK"


def test_nobody_else_can_read_the_store(started, tmp_path: Path) -> None:
    """After a delivery and a login, no file of the store is open to others."""
    ports, _, _ = started
    with LmtpClient((HERE, ports["lmtp"])) as lmtp:
        lmtp.must_deliver(MESSAGE, "alice")
    store = tmp_path / "store"
    files = [store, *store.rglob("*")]
    assert len(files) > 8
    assert [path for path in files if path.stat().st_mode & 0o077] == []


def test_root_is_warned_once(started) -> None:
    """A server that runs as root says so in one line; another says nothing."""
    _, _, log = started
    assert log.read_text().count("running as root") == (os.geteuid() == 0)


def test_a_changed_password_counts_without_a_restart(
    started, tmp_path: Path, passwd: Path
) -> None:
    """Who is added to the passwd-file can log in, and who is removed can not."""
    ports, _, _ = started
    context = trusting(tmp_path / "root.pem")
    for content, able, unable in (
        ("alice:{PLAIN}wonderland\n", ("alice", "wonderland"), ("bob", "builder")),
        ("bob:{PLAIN}other\n", ("bob", "other"), ("alice", "wonderland")),
    ):
        passwd.write_text(content)
        with CheckedIMAP4SSL(HERE, ports["imaps"], ssl_context=context) as imap:
            with pytest.raises(imaplib.IMAP4.error):
                imap.login(*unable)
            assert imap.login(*able)[0] == "OK"


def test_a_new_certificate_counts_without_a_restart(started, tmp_path: Path) -> None:
    """The next client is shown a new certificate, and who is there goes on."""
    ports, _, log = started
    pem = tmp_path / "server.pem"
    old = trusting(tmp_path / "root.pem")
    with CheckedIMAP4SSL(HERE, ports["imaps"], ssl_context=old) as imap:
        imap.login("alice", "wonderland")
        make_pem(tmp_path, name="renewed.pem").replace(pem)
        new = trusting(tmp_path / "root.pem")  # who signed the new one
        with CheckedIMAP4SSL(HERE, ports["imaps"], ssl_context=new) as another:
            assert another.login("bob", "builder")[0] == "OK"
        with pytest.raises(ssl.SSLCertVerificationError):
            CheckedIMAP4SSL(HERE, ports["imaps"], ssl_context=old)
        pem.write_text("no certificate")
        for _ in range(2):
            with CheckedIMAP4(HERE, ports["imap"], timeout=10) as another:
                another.starttls(new)
                assert another.login("bob", "builder")[0] == "OK"
        assert imap.noop()[0] == "OK"
    said = log.read_text()
    assert said.count(f"took the new certificate: {pem}\n") == 1
    assert said.count(f"{pem}: it holds no certificate\n") == 1
    assert "Traceback" not in said


def test_sigterm_says_goodbye(started, tmp_path: Path) -> None:
    """After SIGTERM each client is told, and the process ends in good order."""
    ports, process, log = started
    context = trusting(tmp_path / "root.pem")
    imap = CheckedIMAP4SSL(HERE, ports["imaps"], ssl_context=context)
    with socket.create_connection((HERE, ports["lmtp"]), timeout=10) as lmtp:
        imap.login("alice", "wonderland")
        imap.select()
        assert lmtp.recv(100).startswith(b"220 ")
        process.send_signal(signal.SIGTERM)
        assert imap.readline().startswith(b"* BYE ")
        assert lmtp.recv(100).startswith(b"421 ")
        imap.shutdown()
        assert process.wait(timeout=10) == -signal.SIGTERM
    said = log.read_text()
    assert "imapbox ended" in said
    assert "Traceback" not in said


def test_a_client_that_hangs_does_not_stop_the_end(started) -> None:
    """A client in the middle of its message is waited for, but not for long."""
    ports, process, _ = started
    with socket.create_connection((HERE, ports["lmtp"]), timeout=10) as lmtp:
        lmtp.sendall(
            b"LHLO here\r\nMAIL FROM:<>\r\nRCPT TO:<alice>\r\nDATA\r\nSubject: half"
        )
        said = b""
        while b"354" not in said:
            said += lmtp.recv(1000)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        # Not by the alarm that ends it if all else fails.
        assert process.wait(timeout=12) == -signal.SIGTERM
        assert time.monotonic() - began < 10.5


@pytest.mark.usefixtures("passwd")
def test_a_daemon_serves_too(tmp_path: Path) -> None:
    """twistd forks to become a daemon; logins and deliveries work after it."""
    imap_port, lmtp_port = free_ports(2)
    pidfile = tmp_path / "pid"
    made_store(tmp_path / "store")
    # A relative store is meant from here, wherever the daemon goes.
    subprocess.run(
        [
            *(TWISTD, f"--pidfile={pidfile}", f"--logfile={tmp_path / 'log'}"),
            *("--rundir=/", "imapbox", "--store", "store", "--auth", "passwd:passwd"),
            *("--imap", f"tcp:{imap_port}:interface={HERE}"),
            *("--lmtp", f"tcp:{lmtp_port}:interface={HERE}"),
        ],
        cwd=tmp_path,
        check=True,
        timeout=30,
    )
    wait_for(tmp_path / "log", "imapbox serves")
    pid = int(pidfile.read_text())
    try:
        with CheckedIMAP4(HERE, imap_port, timeout=10) as imap:
            imap.login("alice", "wonderland")
            imap.select()
            with LmtpClient((HERE, lmtp_port)) as lmtp:
                lmtp.must_deliver(MESSAGE, "alice")
            imap.noop()
            assert imap.response("EXISTS")[1][-1] == b"1"
    finally:
        os.kill(pid, signal.SIGTERM)
        until = time.monotonic() + 10
        while pidfile.exists() and time.monotonic() < until:
            time.sleep(0.02)  # noqa: TID251 - it is no child of ours
    assert not pidfile.exists()
    assert (tmp_path / "store" / "imapbox-store").exists()
