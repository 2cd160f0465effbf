"""Who is asking: passwords, SASL, and the directory of users.

`login.Login` asks any Twisted credentials checkers and answers with a
`UserName`; `checker.PasswdChecker` is ours, over a Dovecot passwd-file.
Nothing here knows IMAP, LMTP or a mailbox. Open `login` first, then `checker`.
"""
