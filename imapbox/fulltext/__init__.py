"""Words of messages, and which messages have them: the full-text index of a mailbox.

A cache, made with tantivy where that is installed, and lost without loss. Nothing
here knows a session; `mailbox.full_text` keeps it up and asks it.

See docs/decisions/full-text.md.
"""
