"""Who is asking: passwords, SASL, and the directory of users.

`login.Login` asks any Twisted credentials checkers and answers with a
`UserName`; `checker.PasswdChecker` is ours, over a Dovecot passwd-file.
`realm.MailboxRealm` gives their mail to those whom a Twisted portal let in.
Nothing here knows IMAP or LMTP. Open `login` first, then `checker`.
"""
