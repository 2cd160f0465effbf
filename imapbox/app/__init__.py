"""The roof: what runs imapbox, and how it is told what to do.

Knows every room; no room knows it. Only here the reactor is imported. `tap` is
twistd's door, `command` the command line's; `service` is what `tap` starts.
"""
