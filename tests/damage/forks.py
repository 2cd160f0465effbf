"""Runs commands of `imapbox`, each in a fork of a process that has loaded them.

``python -m tests.damage.forks`` reads a JSON object a line, ``argv``, ``stdin``
(a path) and ``patience`` (seconds), and writes one: ``status`` (None: it was
killed, since patience was over), and ``said``, what it wrote on either channel.
"""

import json
import os
import pkgutil
import select
import signal
import sys
from importlib import import_module
from typing import Any


def _load() -> None:
    # Each fork has it anew; one of epoll's would be one for all of them.
    import_module("twisted.internet.selectreactor").install()
    package = import_module("imapbox.app")
    for module in pkgutil.iter_modules(package.__path__):
        import_module(f"imapbox.app.{module.name}")


def _run(argv: list[str], stdin: str, patience: float) -> dict[str, Any]:
    said = os.memfd_create("said")
    pid = os.fork()
    if pid == 0:
        _become(argv, stdin, said)
    end = os.pidfd_open(pid)
    try:
        ended, _, _ = select.select([end], [], [], patience)
        if not ended:
            os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        size = os.fstat(said).st_size
        text = os.pread(said, size, 0).decode(errors="replace")
    finally:
        os.close(end)
        os.close(said)
    return {
        "status": os.waitstatus_to_exitcode(status) if ended else None,
        "said": text,
    }


def _become(argv: list[str], stdin: str, said: int) -> None:
    """Be that command; never return."""
    os.dup2(os.open(stdin, os.O_RDONLY), 0)
    os.dup2(said, 1)
    os.dup2(said, 2)
    status = 70
    try:
        import_module("imapbox.app.command").main(argv, prog_name="imapbox")
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else int(bool(error.code))
    except BaseException:  # noqa: BLE001 - told as Python would
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def main() -> None:
    """Do so until there is no more to read."""
    _load()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_run(**json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
