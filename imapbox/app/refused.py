"""What a command ends with that can't be done as it was asked for."""

import click


class Refused(click.ClickException):
    """There is no such store, user or mailbox, or something is in the way.

    It ends with 2, as wrong use does, but how the command is used is no help.
    """

    exit_code = 2
