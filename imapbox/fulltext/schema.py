"""How an index is laid out, and how tantivy is told to open one.

Whoever changes anything here gives `availability.VERSION` another number.
"""

from typing import Final

import tantivy

from imapbox.fulltext.words import LONGEST_WORD, TEXTS

_TOKENIZER: Final = "words"


def new_schema() -> tantivy.Schema:
    """Return the fields of a document: one message.

    ``uid`` is its UID; ``emailid`` the first eight octets of its EMAILID, by which
    it is seen whether a mailbox was put back to an older state.
    """
    schema = tantivy.SchemaBuilder()
    schema.add_unsigned_field("uid", indexed=True, fast=True)
    schema.add_unsigned_field("emailid", fast=True)
    for name in TEXTS:
        schema.add_text_field(name, tokenizer_name=_TOKENIZER)
    schema.add_text_field("header", tokenizer_name=_TOKENIZER, index_option="freq")
    return schema.build()


def opened(path: str) -> tantivy.Index:
    """Open the index in a directory, or make one.

    Args:
        path: Of the directory, which exists.
    """
    if tantivy.Index.exists(path):
        index = tantivy.Index.open(path)
    else:
        index = tantivy.Index(new_schema(), path)
    # Nothing else is told of changes: no thread looks for them.
    index.config_reader(reload_policy="manual")
    words = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
    longest = tantivy.Filter.remove_long(4 * LONGEST_WORD + 1)  # octets
    index.register_tokenizer(_TOKENIZER, words.filter(longest).build())
    index.reload()
    return index
