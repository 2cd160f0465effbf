"""The log engine: an append-only log is the mailbox, and a head says how far.

One engine, two sets of operations (a mailbox's, an account's). The formats are
the docstrings of `head`, `segment`, `frame`, `operations` and
`account_operations`; the protocols are `read`, `settle`, `commit`, `rotate`,
`create` and `opening`, all of them generators of disk calls. Open `frame`
first, then `commit`.
"""
