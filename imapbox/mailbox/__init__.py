"""An open mailbox, as one session sees it: view, sync, and the ports.

`interfaces` is what the IMAP room may ask for; `updates` is what a client can
be told. Open `interfaces` first.
"""
