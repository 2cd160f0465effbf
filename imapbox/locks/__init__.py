"""Locks that nobody waits for in a thread, and seats that are locks.

`lock_file` is what lies in the file of a log's lock, `acquire` the protocol of
taking and giving back one or more of them. `seats` counts connections over all
processes. Open `acquire` first.
"""
