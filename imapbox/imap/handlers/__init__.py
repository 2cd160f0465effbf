"""What each command does. One file for each, or for a few of one kind.

A handler gets the session and the command's value, writes what is untagged,
and returns `Done` or raises; who answers is `dispatch`. Handlers do not know
one another, nor the state: they are called only where PERMITTED_IN allows.
"""
