"""The IMAP codec: bytes to events and values, values to bytes.

Knows no socket, file, clock or reactor. In: `framer` cuts the stream into
commands, `parser` reads one (`commands` are its values). Out: `responses`,
`response_codes`.
"""
