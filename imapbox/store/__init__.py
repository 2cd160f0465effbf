"""The mail of all users: accounts, their mailboxes, and delivery into them.

`layout` says where everything lies; `store` is the whole, `account` one user's
tree, `open_mailbox` what all sessions of a process share of one mailbox,
`committer` the way in for every change. Open `store` first.
"""
