r"""What a CREATE has behind the mailbox. RFC 6154 §3, RFC 4466 §6.

RFC 6154 §6::

    create-params = SP "(" create-param *(SP create-param) ")"
    create-param  = "USE" SP "(" [use-attr *(SP use-attr)] ")"
    use-attr      = "\" atom
"""

from imapbox.wire.errors import BadSyntax
from imapbox.wire.imap.lexer import Lexer


def read_create_parameters(lexer: Lexer) -> tuple[bytes, ...]:
    r"""Take the parameters, if there are any: of what use the mailbox is to be.

    Returns:
        Attributes such as ``\Sent``, as they are spelled.
    """
    if not lexer.next_is(b" "):
        return ()
    lexer.space()
    lexer.expect(b"(")
    name = lexer.name("create-param")
    if name != b"USE":
        raise BadSyntax("create-param", name)
    lexer.space()
    uses = [] if lexer.accept(b"()") else lexer.listed(lambda: _use_attr(lexer))
    lexer.expect(b")")
    return tuple(uses)


def _use_attr(lexer: Lexer) -> bytes:
    lexer.expect(b"\\")
    return b"\\" + lexer.atom("use-attr")
