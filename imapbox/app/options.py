"""The options of `twistd imapbox`.

What is wrong with them is said in one sentence, before anything is started.
"""

import os
import stat
from collections.abc import Callable, Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Final

from twisted.cred import strcred
from twisted.cred.credentials import IUsernamePassword
from twisted.internet.interfaces import IStreamServerEndpoint
from twisted.python import usage

from imapbox.app.certificate_file import CertificateFile
from imapbox.app.listeners import BadEndpoint, server_endpoint
from imapbox.app.settings import MESSAGE_LIMIT, RUNTIME, ServerSettings
from imapbox.app.tls import BadCertificate
from imapbox.imap.settings import Cleartext, Connections
from imapbox.lmtp.trust import LOOPBACK
from imapbox.locks.seats import MOST_SEATS
from imapbox.model.names import user_name
from imapbox.model.quota import Quota

MIB: Final = 1024 * 1024
_CONNECTIONS: Final = Connections()
# What each of them may be at most.
_NUMBERS: Final = {
    "connections-per-address": MOST_SEATS,
    "connections-per-user": MOST_SEATS,
    "message-limit": 1024,
    "quota-storage": 1 << 30,
    "quota-messages": 1 << 30,
}
_LISTENERS: Final = ("imap", "imaps", "lmtp")
_make_checker: Callable[[str], Any] = strcred.makeChecker


class ServerOptions(usage.Options, strcred.AuthOptionMixin):
    """What `twistd imapbox` is told. `settings` is what it comes to."""

    supportedInterfaces = (IUsernamePassword,)  # noqa: N815 - strcred reads it
    optParameters = (  # noqa: N815 - usage reads it
        ("store", None, None, "The directory of the mail store."),
        (
            "certificate",
            None,
            None,
            "A PEM file with key, certificate and chain: --imap then offers STARTTLS.",
        ),
        (
            "cleartext",
            None,
            Cleartext.LOOPBACK.value,
            "Where passwords may pass without TLS: never, loopback or always.",
        ),
        (
            "connections-per-address",
            None,
            str(_CONNECTIONS.of_address),
            "IMAP connections from one address, over all processes.",
        ),
        (
            "connections-per-user",
            None,
            str(_CONNECTIONS.of_user),
            "IMAP connections of one user, over all processes.",
        ),
        (
            "message-limit",
            None,
            str(MESSAGE_LIMIT // MIB),
            "The largest message that is taken, in MiB.",
        ),
        (
            "quota-storage",
            None,
            None,
            "What an account may hold for whom nothing else is set, in MiB.",
        ),
        (
            "quota-messages",
            None,
            None,
            "How many messages, likewise. Without either there is no limit.",
        ),
        (
            "runtime",
            None,
            RUNTIME,
            "A directory in memory, where this machine's processes count together.",
        ),
    )

    settings: ServerSettings

    def __init__(self, reactor: Any) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Twisted's
        self._reactor = reactor
        for listener in _LISTENERS:
            self[listener] = []
        self["administrator"] = []
        self["credCheckers"] = []
        self["many-from"] = []
        self["proxy-from"] = []
        self["submission-user"] = []
        self["xforward-from"] = []

    def opt_imap(self, endpoint: str) -> None:
        """Serve IMAP here, as tcp:143. May be given several times."""
        self["imap"].append(endpoint)

    def opt_imaps(self, endpoint: str) -> None:
        """Serve IMAP within TLS here, as tcp:993. May be given several times."""
        self["imaps"].append(endpoint)

    def opt_lmtp(self, endpoint: str) -> None:
        """Take mail over LMTP here, as unix:/path. May be given several times."""
        self["lmtp"].append(endpoint)

    def opt_administrator(self, user: str) -> None:
        """Let this user do everything with the mailboxes below "Shared/".

        May be given several times.
        """
        name = user_name(user)
        if name is None:
            raise _wrong("--administrator", user, "no user can have this name")
        self["administrator"].append(name)

    def opt_many_from(self, network: str) -> None:
        """Don't count connections from here, as 192.0.2.0/24: a webmail, a proxy."""
        try:
            self["many-from"].append(ip_network(network))
        except ValueError:
            raise _wrong(
                "--many-from", network, "no network, as 192.0.2.0/24 is"
            ) from None

    def opt_proxy_from(self, network: str) -> None:
        """Believe proxies from here, too, at haproxy: endpoints, as 10.0.0.7.

        May be given several times. Otherwise only UNIX sockets and this machine
        are believed; others are hung up on.
        """
        self._add_network("proxy-from", network)

    def opt_submission_user(self, user: str) -> None:
        """Let this user follow what URLs let a submission server (BURL).

        May be given several times.
        """
        name = user_name(user)
        if name is None:
            raise _wrong("--submission-user", user, "nobody can have this name")
        self["submission-user"].append(name)

    def opt_xforward_from(self, network: str) -> None:
        """Believe XFORWARD from here, too, as 10.0.0.0/8. May be given several times.

        Otherwise only UNIX sockets and this machine are believed.
        """
        self._add_network("xforward-from", network)

    def _add_network(self, option: str, network: str) -> None:
        try:
            self[option].append(ip_network(network))
        except ValueError:
            raise _wrong("--" + option, network, "it is no network") from None

    def opt_auth(self, description: str) -> None:
        """Say who may log in, as passwd:FILE. May be given several times."""
        # Only the kind is repeated in an error: the rest may be a password.
        kind = description.partition(":")[0]
        try:
            checker = _make_checker(description)
            self.addChecker(checker)  # type: ignore[no-untyped-call]  # Twisted's
        except strcred.InvalidAuthType:
            raise _wrong(
                "--auth", kind, "no such kind; --help-auth lists them"
            ) from None
        except strcred.UnsupportedInterfaces:
            raise _wrong("--auth", kind, "it can not check passwords") from None
        except Exception:  # noqa: BLE001 - whatever the plugin raises
            raise _wrong("--auth", kind, "it can not use what follows it") from None

    def postOptions(self) -> None:  # noqa: N802 - usage calls it
        """Turn what was said into `settings`, or complain.

        Raises:
            UsageError: In one sentence.
        """
        for complaint in self._complaints():
            raise usage.UsageError(complaint)
        imap, imaps, lmtp = (self._endpoints(listener) for listener in _LISTENERS)
        self.settings = ServerSettings(
            store=str(Path(self["store"]).absolute()),
            imap=imap,
            imaps=imaps,
            lmtp=lmtp,
            checkers=tuple(self["credCheckers"]),
            tls=self._tls(),
            cleartext=Cleartext(self["cleartext"]),
            connections=Connections(
                of_address=int(self["connections-per-address"]),
                of_user=int(self["connections-per-user"]),
                many_from=tuple(self["many-from"]),
            ),
            message_limit=int(self["message-limit"]) * MIB,
            quota=self._quota(),
            runtime=str(Path(self["runtime"]).absolute()),
            xforward_from=(*LOOPBACK, *self["xforward-from"]),
            submission_users=frozenset(self["submission-user"]),
            administrators=tuple(self["administrator"]),
        )

    def _complaints(self) -> Iterator[str]:
        """Say what can not be meant, the worst first."""
        cleartext = [kind.value for kind in Cleartext]
        if not self["store"]:
            yield "--store is missing: the directory of the mail store."
        else:
            yield from _bad_store(self["store"])
        if not any(self[listener] for listener in _LISTENERS):
            yield "There is nothing to serve: give --imap, --imaps or --lmtp."
        if (self["imap"] or self["imaps"]) and not self["credCheckers"]:
            yield "IMAP needs --auth: nobody could log in."
        if self["cleartext"] not in cleartext:
            yield f"--cleartext {self['cleartext']}: it can be {', '.join(cleartext)}."
        yield from self._bad_numbers()
        if not self["certificate"]:
            if self["imaps"]:
                yield "--imaps needs --certificate."
            if self["imap"] and self["cleartext"] == Cleartext.NEVER.value:
                yield "--cleartext never and --imap need --certificate."

    def _bad_numbers(self) -> Iterator[str]:
        for option, most in _NUMBERS.items():
            value = self[option]
            if value is None:
                continue
            if not value.isascii() or not value.isdigit() or not 0 < int(value) <= most:
                yield f"--{option} {value}: it can be from 1 to {most}."

    def _quota(self) -> Quota:
        storage, messages = self["quota-storage"], self["quota-messages"]
        return Quota(
            None if storage is None else int(storage) * MIB,
            None if messages is None else int(messages),
        )

    def _endpoints(self, listener: str) -> tuple[IStreamServerEndpoint, ...]:
        proxies = (*LOOPBACK, *self["proxy-from"])
        try:
            return tuple(
                server_endpoint(self._reactor, description, proxies)
                for description in self[listener]
            )
        except BadEndpoint as error:
            raise _wrong("--" + listener, error.description, str(error)) from None

    def _tls(self) -> CertificateFile | None:
        if not self["certificate"]:
            return None
        try:
            return CertificateFile(Path(self["certificate"]).absolute())
        except BadCertificate as error:
            raise _wrong("--certificate", self["certificate"], str(error)) from None


def _bad_store(store: str) -> Iterator[str]:
    try:
        is_directory = stat.S_ISDIR(os.stat(store).st_mode)  # noqa: PTH116 - any error
    except FileNotFoundError:
        return
    except OSError as error:
        # The user of --uid may enter where root may not: a FUSE mount of its own.
        if os.geteuid() != 0 or not isinstance(error, PermissionError):
            yield f"--store {store}: can not look at it: {error.strerror}."
        return
    if not is_directory:
        yield f"--store {store}: it is a file, not a directory."


def _wrong(option: str, value: str, sentence: str) -> usage.UsageError:
    return usage.UsageError(f"{option} {value}: {sentence}.")
