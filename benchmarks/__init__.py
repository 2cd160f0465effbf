"""Measures an IMAP and LMTP server, whoever made it.

`load` holds clients that any test may use; `measure` measures the server at a
host and port; `run` starts Dovecot and imapbox in alternation and compares them.
"""
