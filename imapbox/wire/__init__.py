"""Two codecs, IMAP's and LMTP's: bytes in, events and values out, and back.

Knows no socket, file, clock or reactor, and nothing of mail but
`imapbox.model`. Neither codec knows the other.
"""
