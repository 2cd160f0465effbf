"""Fuzzes one target: ``python -m tests.fuzz.one TARGET`` and libFuzzer's options.

It wants atheris, which ``make fuzz`` installs.
"""

import sys

import atheris


def main() -> None:
    """Run until libFuzzer ends."""
    name, *options = sys.argv[1:]
    rooms = ["imapbox.wire", "imapbox.mime", "imapbox.index", "imapbox.model"]
    with atheris.instrument_imports(include=rooms):
        from tests.fuzz.targets import TARGETS  # noqa: PLC0415 - while instrumented
    atheris.Setup([sys.argv[0], *options], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
