"""The command line: `imapbox`.

Each command loads what it needs when it is called, so that `imapbox --help`
loads no mail store and no reactor.
"""

import math
from pathlib import Path
from typing import Any, Final

import click

_STORE: Final = click.option(
    "--store",
    required=True,
    type=click.Path(path_type=Path),
    help="The directory of the mail store.",
)

# As of twistd imapbox.
_QUOTA: Final = click.IntRange(1, 1 << 30)


class _Hours(click.FloatRange):
    """A range of hours, in which what is not a number is not."""

    name = "hours"

    def convert(
        self,
        value: Any,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> float:
        """Refuse NaN, too, which is neither below nor above the range."""
        hours = float(super().convert(value, param, ctx))
        if math.isnan(hours):
            self.fail(f"{value!r} is not a valid number.", param, ctx)
        return hours


class _TryAgain(click.UsageError):
    """A usage error after which whoever hands us mail keeps it: sysexits.h."""

    exit_code = 75


class _NeverBounces(click.Command):
    """A command whose wrong use must not cost anybody a message."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: object,
    ) -> click.Context:
        """Let a usage error end with "try again"."""
        try:
            return super().make_context(info_name, args, parent, **extra)
        except click.UsageError as error:
            raise _TryAgain(error.format_message(), error.ctx) from error


@click.group()
@click.version_option(package_name="imapbox")
def main() -> None:
    """Look after an imapbox mail store. The server is `twistd imapbox`."""


@main.command()
@click.option("--once", is_flag=True, help="End after the dialogue: 0 if all was true.")
@click.option("--imap-port", default=0, help="Serve IMAP here, not on a free port.")
@click.option("--imap-through", metavar="PORT", default=0, hidden=True)
def demo(*, once: bool, imap_port: int, imap_through: int) -> None:
    """Show two processes that share a store: one delivers, one is asked."""
    from imapbox.app.demo import run_demo  # noqa: PLC0415 - see above

    raise SystemExit(
        run_demo(once=once, imap_port=imap_port, imap_through=imap_through)
    )


@main.command(cls=_NeverBounces)
@_STORE
@click.option("-f", "sender", default="", help="The envelope's sender.")
@click.option(
    "--message-limit",
    type=click.IntRange(1, 1024),
    default=64,
    help="As of twistd imapbox: MiB.",
)
@click.option("--quota-storage", type=_QUOTA, help="As of twistd imapbox: MiB.")
@click.option("--quota-messages", type=_QUOTA, help="As of twistd imapbox.")
@click.argument("user")
def deliver(  # noqa: PLR0913 - as many as there are options
    *,
    store: Path,
    sender: str,
    message_limit: int,
    quota_storage: int | None,
    quota_messages: int | None,
    user: str,
) -> None:
    """Deliver the message on standard input to USER.

    Ends with 0 if it is stored, 67 if there is no such user, 75 if it may be
    tried again, 69 if it may not.
    """
    from imapbox.app.deliver import run_deliver  # noqa: PLC0415 - see above
    from imapbox.model.quota import Quota  # noqa: PLC0415 - see above

    octets = None if quota_storage is None else quota_storage << 20
    quota = Quota(octets, quota_messages)
    run_deliver(store, sender, user, quota, message_limit << 20)


@main.command()
@_STORE
def locks(*, store: Path) -> None:
    """Show who holds a lock now, and how many wait for it.

    Ends with 0, or with 1 if some locks could not be looked at.
    """
    from imapbox.app.locks import run_locks  # noqa: PLC0415 - see above

    raise SystemExit(run_locks(store))


@main.command()
@click.option(
    "--store",
    type=click.Path(path_type=Path),
    help="The directory of the mail store.",
)
@click.option(
    "--fs",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Try whether a store could lie in this directory, instead.",
)
@click.option("--deep", is_flag=True, help="Read all messages and cards, too.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.argument("users", nargs=-1, metavar="[USER]...")
def check(
    *,
    store: Path | None,
    fs: Path | None,
    deep: bool,
    as_json: bool,
    users: tuple[str, ...],
) -> None:
    """Look at every octet of the index, and change nothing.

    Ends with 0 if all is sound, 1 if something is damaged, 2 if that can not
    be told. With --fs: whether the file system is fit for a store.
    """
    from imapbox.app.check import run_check  # noqa: PLC0415 - see above
    from imapbox.app.check_fs import run_check_fs  # noqa: PLC0415 - see above

    if fs is not None and store is None and not users:
        raise SystemExit(run_check_fs(fs, as_json=as_json))
    if store is None or fs is not None:
        raise click.UsageError("Give --store DIR [USER]..., or --fs DIR.")
    raise SystemExit(run_check(store, users, deep=deep, as_json=as_json))


@main.command()
@_STORE
@click.option(
    "--grace",
    type=_Hours(0, 24),
    default=24.0,
    show_default=True,
    metavar="HOURS",
    help="For how long what is gone stays, for sessions that know it still.",
)
@click.option("--dry-run", is_flag=True, help="Only say what there is to do.")
@click.option("--verbose", is_flag=True, help="Name every mailbox.")
@click.argument("user", required=False)
@click.argument("mailbox", required=False)
def compact(  # noqa: PLR0913 - what can be said
    *,
    store: Path,
    grace: float,
    dry_run: bool,
    verbose: bool,
    user: str | None,
    mailbox: str | None,
) -> None:
    """Give back the room of what was expunged or deleted.

    Ends with 0 if all was done, 75 if the rest may be tried again, 1 if
    something is damaged.
    """
    from imapbox.app.compact import run_compact  # noqa: PLC0415 - see above

    raise SystemExit(
        run_compact(store, user, mailbox, grace=grace, dry_run=dry_run, verbose=verbose)
    )


@main.command(name="log")
@_STORE
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--since",
    type=click.IntRange(0),
    default=0,
    metavar="MODSEQ",
    help="Leave out what happened up to this modseq.",
)
@click.argument("user")
@click.argument("mailbox", default="INBOX")
def show_log(
    *, store: Path, as_json: bool, since: int, user: str, mailbox: str
) -> None:
    """Show what happened to a mailbox of USER, change by change.

    Without MAILBOX it is INBOX. Ends with 0, or with 1 if the mailbox is
    damaged.
    """
    from imapbox.app.log import run_log  # noqa: PLC0415 - see above

    raise SystemExit(run_log(store, user, mailbox, since, as_json=as_json))


@main.command()
@_STORE
@click.option("--apply", "--yes", is_flag=True, help="Do it; else it is only said.")
@click.option("--deep", is_flag=True, help="Read all messages and cards, too.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.argument("chosen", nargs=-1, metavar="[USER [MAILBOX]]")
def repair(
    *, store: Path, apply: bool, deep: bool, as_json: bool, chosen: tuple[str, ...]
) -> None:
    """Say how what is damaged can be mended from what is left; --apply does it.

    Nothing is deleted: what is taken out is kept in lost+found. Ends with 0 if all
    is sound now, 1 if something is damaged, 2 if that can not be told, 75 if it
    may be tried again.
    """
    from imapbox.app.repair import run_repair  # noqa: PLC0415 - see above

    raise SystemExit(run_repair(store, chosen, apply=apply, deep=deep, as_json=as_json))


@main.command()
@_STORE
@click.option(
    "--from",
    "copy",
    required=True,
    type=click.Path(path_type=Path),
    help="The copy of the store that it is taken from.",
)
@click.option("--as", "new_name", metavar="NAME", help="Make a new mailbox of it.")
@click.option("--in-place", is_flag=True, help="Put it in the place of what is there.")
@click.argument("user")
@click.argument("mailbox", default="INBOX")
def restore(  # noqa: PLR0913 - what can be said
    *,
    store: Path,
    copy: Path,
    new_name: str | None,
    in_place: bool,
    user: str,
    mailbox: str,
) -> None:
    """Take a mailbox of USER back from a copy of the store.

    Without MAILBOX it is INBOX. Ends with 0 if it is there, 1 if not or not all
    of it, 75 if it may be tried again.
    """
    if in_place == (new_name is not None):
        raise click.UsageError("Say --as NAME or --in-place.")
    from imapbox.app.restore import run_restore  # noqa: PLC0415 - see above

    raise SystemExit(run_restore(store, copy, user, mailbox, new_name))


@main.command()
@_STORE
def restored(*, store: Path) -> None:
    """Give all mailboxes new UIDVALIDITYs, after the store was restored from a copy.

    Ends with 0 if all have theirs, 1 if something is damaged, 75 if the rest may
    be tried again.
    """
    from imapbox.app.restored import run_restored  # noqa: PLC0415 - see above

    raise SystemExit(run_restored(store))


@main.command()
@_STORE
@click.argument("directory", type=click.Path(path_type=Path))
def snapshot(*, store: Path, directory: Path) -> None:
    """Copy the whole store, while it is in use, into a new DIRECTORY.

    Ends with 0 if all is there, 1 if something is damaged or left out, 75 if it
    may be tried again.
    """
    from imapbox.app.snapshot import run_snapshot  # noqa: PLC0415 - see above

    raise SystemExit(run_snapshot(store, directory))


@main.command()
@_STORE
@click.option(
    "--to",
    required=True,
    type=click.IntRange(1),
    metavar="MODSEQ",
    help="What was expunged behind this modseq comes back.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would come back.")
@click.argument("user")
@click.argument("mailbox", default="INBOX")
def undo(*, store: Path, to: int, dry_run: bool, user: str, mailbox: str) -> None:
    """Bring back what was expunged from a mailbox of USER, with new UIDs.

    Without MAILBOX it is INBOX. Ends with 0 if all is back, 1 if some can not be
    brought back, 75 if it may be tried again.
    """
    from imapbox.app.undo import run_undo  # noqa: PLC0415 - see above

    raise SystemExit(run_undo(store, user, mailbox, to, dry_run=dry_run))


@main.command()
@_STORE
@click.option("--storage", metavar="SIZE", help="As 500M or 10G, or none.")
@click.option("--messages", metavar="COUNT", help="As 10000, or none.")
@click.option(
    "--default", is_flag=True, help="Forget what was set: the server's default holds."
)
@click.argument("user")
def quota(
    *, store: Path, storage: str | None, messages: str | None, default: bool, user: str
) -> None:
    """Show how much USER may hold and holds, or set it.

    Servers that run need not be told. Beyond it mail is refused for now
    (452 4.2.2), so that the sender's server tries again for some days.
    """
    from imapbox.app.quota import Wish, run_quota  # noqa: PLC0415 - see above

    run_quota(store, user, Wish(storage, messages, default))


@main.command(context_settings={"ignore_unknown_options": True})
@_STORE
@click.argument("user")
@click.argument("mailbox", default="INBOX")
@click.argument("change", nargs=-1, metavar="[WHO RIGHTS]")
def acl(*, store: Path, user: str, mailbox: str, change: tuple[str, ...]) -> None:
    """Show who may do what with a mailbox of USER, or give and take rights.

    RIGHTS are letters, as IMAP has them: lrs, or +w and -s for more and less.
    The mailboxes that are nobody's own are the user "#Shared"'s.
    """
    from imapbox.app.acl import Wish, run_acl  # noqa: PLC0415 - see above

    if len(change) not in {0, 2}:
        raise click.UsageError("Say WHO and RIGHTS, or none of them.")
    run_acl(store, user, mailbox, Wish(*change) if change else None)


@main.group()
def user() -> None:
    """Users and their accounts."""


@user.command()
@_STORE
@click.option(
    "--passwd",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Ask for a password, and write its hash into this passwd-file.",
)
@click.argument("name")
def add(*, store: Path, passwd: Path | None, name: str) -> None:
    """Make an account for NAME, with an INBOX."""
    from imapbox.app.user_add import run_user_add  # noqa: PLC0415 - see above

    run_user_add(store, passwd, name)
