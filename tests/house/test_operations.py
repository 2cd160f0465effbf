"""docs/operations.md and the programs name the same options and commands."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
from twisted.internet.task import Clock

from imapbox.app.command import main
from imapbox.app.options import ServerOptions

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
_SECTION = re.compile(r"^##+ (?P<title>.+)\n(?P<text>(?:(?!##).*\n?)*)", re.MULTILINE)
_ROW = re.compile(r"^\| (?P<options>`-.*?) \|", re.MULTILINE)
_OPTION = re.compile(r"`(?P<option>--?[a-z][a-z-]*)")
# Every command has it, and the page says so once.
HELP = {"--help"}


def options_in(title: str) -> set[str]:
    """The options in the first column of the tables of a section."""
    (text,) = (
        each["text"] for each in _SECTION.finditer(PAGE) if each["title"] == title
    )
    return {
        option["option"]
        for row in _ROW.finditer(text)
        for option in _OPTION.finditer(row["options"])
    }


def commands(group: click.Group, before: str) -> Iterator[tuple[str, click.Command]]:
    """The commands that do something, with all their words."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{before} {name}")
        else:
            yield f"{before} {name}", command


def test_every_option_of_the_server_is_explained() -> None:
    """The page's table has the options of `twistd imapbox`, and no others."""
    options = ServerOptions(Clock())
    assert options_in("twistd imapbox") == {
        "--" + name.rstrip("=") for name in options.longOpt
    }


def test_every_command_is_explained() -> None:
    """The page has a section for each command of `imapbox`, and no others."""
    titles = {each["title"] for each in _SECTION.finditer(PAGE)}
    explained = {title for title in titles if title.startswith("imapbox ")}
    assert explained == {name for name, _ in commands(main, "imapbox")}


def test_every_option_of_the_commands_is_explained() -> None:
    """The table of each command has its options, and no others."""
    for name, command in commands(main, "imapbox"):
        options = {
            option
            for parameter in command.params
            if isinstance(parameter, click.Option) and not parameter.hidden
            for option in parameter.opts
        }
        assert options_in(name) == options - HELP, name
