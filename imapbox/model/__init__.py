"""Values: numbers, flags, names, messages, errors.

The ground floor. Knows no I/O, no Twisted, no protocol; imports nothing of
imapbox. Open `numbers` first, then `errors`.
"""
