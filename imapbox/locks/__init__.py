"""File locks that nobody waits for in a thread.

`lock_file` is what lies in the file, `acquire` the protocol of taking and
giving back one or more of them. Open `acquire` first.
"""
