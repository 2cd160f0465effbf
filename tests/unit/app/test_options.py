"""The options of twistd imapbox."""

from ipaddress import ip_network
from pathlib import Path

import pytest
from twisted.internet.testing import MemoryReactor
from twisted.python.usage import UsageError

from imapbox.app.options import ServerOptions
from imapbox.auth.interfaces import IUserDirectory
from imapbox.imap.settings import Cleartext, Connections
from imapbox.lmtp.trust import LOOPBACK
from tests.support.certificates import make_pem

# One of Twisted's own checkers looks for a module that Python deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:'spwd' is deprecated")

AUTH = ("--auth", "memory:ana:hunter2")
IMAP = ("--imap", "tcp:143", *AUTH)


def parse(*arguments: str) -> ServerOptions:
    options = ServerOptions(MemoryReactor())
    options.parseOptions(arguments)
    return options


def test_each_listener_may_be_given_several_times(tmp_path: Path) -> None:
    """One process may serve at several places, each of its own kind."""
    settings = parse(
        *("--store", str(tmp_path / "s"), *IMAP, "--imap", "unix:/run/imap"),
        *(
            "--imaps",
            "tcp:993",
            "--lmtp",
            "tcp:24",
            "--certificate",
            str(make_pem(tmp_path)),
        ),
    ).settings
    assert [len(each) for each in (settings.imap, settings.imaps, settings.lmtp)] == [
        2,
        1,
        1,
    ]
    assert settings.tls is not None
    assert settings.cleartext is Cleartext.LOOPBACK


def test_each_listener_is_optional(tmp_path: Path) -> None:
    """A process may only deliver, and then needs nobody to log in."""
    settings = parse("--store", str(tmp_path), "--lmtp", "tcp:24").settings
    assert (settings.imap, settings.imaps, settings.tls) == ((), (), None)
    assert settings.checkers == ()


def test_the_store_stays_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative path is meant from where twistd was called, wherever it goes."""
    monkeypatch.chdir(tmp_path)
    assert parse("--store", "mail", "--lmtp", "tcp:24").settings.store == str(
        tmp_path / "mail"
    )


def test_a_submission_server_is_named() -> None:
    """Who logs in for a submission server is said by name, in any case."""
    imap = ("--store", "s", *IMAP)
    assert parse(*imap).settings.submission_users == frozenset()
    more = ("--submission-user", "MTA", "--submission-user", "mta2")
    assert parse(*imap, *more).settings.submission_users == {"mta", "mta2"}
    with pytest.raises(UsageError, match="--submission-user : nobody can have"):
        parse(*imap, "--submission-user", "")


def test_administrators_are_named() -> None:
    """Who has all rights below "Shared/" is named as at login, and can be several."""
    lmtp = ("--store", "s", "--lmtp", "tcp:24")
    settings = parse(
        *lmtp, "--administrator", "Root", "--administrator", "ana"
    ).settings
    assert settings.administrators == ("root", "ana")
    with pytest.raises(UsageError, match="--administrator : no user can"):
        parse(*lmtp, "--administrator", "")


def test_any_strcred_plugin_is_taken(tmp_path: Path) -> None:
    """Users may come from our passwd-file and from others' plugins, together."""
    (tmp_path / "passwd").write_text("")
    settings = parse(
        *("--store", "s", *IMAP, "--auth", f"passwd:{tmp_path / 'passwd'}")
    ).settings
    assert [IUserDirectory.providedBy(each) for each in settings.checkers] == [
        False,
        True,
    ]


def test_limits_have_options() -> None:
    """What a site may want to change of the limits it can."""
    settings = parse("--store", "s", "--lmtp", "tcp:24").settings
    assert settings.connections == Connections()
    assert settings.message_limit == 64 * 1024 * 1024
    settings = parse(
        *("--store", "s", "--lmtp", "tcp:24", "--connections-per-address", "100"),
        *("--connections-per-user", "7", "--message-limit", "10"),
        *("--many-from", "192.0.2.0/24", "--many-from", "2001:db8::1"),
        *("--runtime", "/run/imapbox"),
    ).settings
    connections = settings.connections
    assert (connections.of_address, connections.of_user) == (100, 7)
    assert [str(each) for each in connections.many_from] == [
        "192.0.2.0/24",
        "2001:db8::1/128",
    ]
    assert settings.message_limit == 10 * 1024 * 1024
    assert settings.runtime == "/run/imapbox"


STORE = ("--store", "/srv/no-such-store")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "--store"),
        (("--lmtp", "tcp:24"), "--store"),
        (("--store", "/etc/passwd", "--lmtp", "tcp:24"), "/etc/passwd"),
        (STORE, "--lmtp"),
        ((*STORE, "--imap", "tcp:143"), "--auth"),
        ((*STORE, "--imaps", "tcp:993", *AUTH), "--certificate"),
        ((*STORE, "--imap", "143", *AUTH), "--imap 143"),
        ((*STORE, "--lmtp", "tcp:24", "--lmtp", "nope:1"), "--lmtp nope:1"),
        ((*STORE, *IMAP, "--certificate", "/no/such"), "/no/such"),
        ((*STORE, *IMAP, "--certificate", "/etc/passwd"), "no certificate"),
        ((*STORE, *IMAP, "--cleartext", "sometimes"), "never, loopback, always"),
        ((*STORE, *IMAP, "--cleartext", "never"), "--certificate"),
        ((*STORE, "--imap", "tcp:143", "--auth", "nope:x"), "--auth nope"),
        ((*STORE, "--imap", "tcp:143", "--auth", "anonymous"), "--auth anonymous"),
        ((*STORE, "--imap", "tcp:143", "--auth", "passwd:"), "--auth passwd"),
        ((*STORE, "--imap", "tcp:143", "--auth", "passwd:/no/such/x"), "--auth passwd"),
        ((*STORE, "--imap", "tcp:143", "--auth", "memory:hunter2"), "--auth memory"),
        ((*STORE, *IMAP, "--connections-per-user", "0"), "-per-user 0: it can be"),
        ((*STORE, *IMAP, "--connections-per-address", "many"), "-per-address many"),
        ((*STORE, *IMAP, "--message-limit", "64M"), "--message-limit 64M"),
        ((*STORE, *IMAP, "--message-limit", "1025"), "from 1 to 1024"),
        ((*STORE, *IMAP, "--many-from", "10.0.0.1/8"), "--many-from 10.0.0.1/8"),
        ((*STORE, *IMAP, "more"), ""),
        ((*STORE, *IMAP, "--durability", "none"), "durability"),
    ],
)
def test_what_can_not_be_meant_is_told_in_a_sentence(arguments, said) -> None:
    """Each mistake is one sentence that names the option, and no password."""
    with pytest.raises(UsageError) as told:
        parse(*arguments)
    sentence = str(told.value)
    assert said in sentence
    assert "hunter2" not in sentence
    assert "\n" not in sentence


def test_every_option_is_explained() -> None:
    """The help names every option."""
    usage = parse(*STORE, *IMAP).getUsage()
    for option in (
        "store",
        "imap",
        "imaps",
        "lmtp",
        "auth",
        "certificate",
        "cleartext",
        "connections-per-address",
        "connections-per-user",
        "many-from",
        "message-limit",
        "runtime",
    ):
        assert f"--{option}=" in usage


def test_xforward_is_believed_from_this_machine_and_where_it_is_said() -> None:
    """Networks are added to the loopback addresses; what is none is refused."""
    lmtp = ("--store", "s", "--lmtp", "tcp:24")
    assert parse(*lmtp).settings.xforward_from == LOOPBACK
    more = ("--xforward-from", "10.0.0.0/8", "--xforward-from", "2001:db8::7")
    assert parse(*lmtp, *more).settings.xforward_from == (
        *LOOPBACK,
        ip_network("10.0.0.0/8"),
        ip_network("2001:db8::7"),
    )
    for wrong in ("10.0.0.1/8", "mx.example.org", ""):
        with pytest.raises(UsageError, match=f"--xforward-from {wrong}: it is no net"):
            parse(*lmtp, "--xforward-from", wrong)
