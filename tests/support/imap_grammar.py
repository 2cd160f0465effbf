"""The grammar of what a server says: RFC 9051's, with what other RFCs add.

The PyPI package `abnf` carries RFC 9051 §9. Three kinds of rules are put over it:

- `ADDED`, `FROM_KNOWLEDGE` and `REWORDED`: what RFC 9051 left out or never had.
- `STRICTER`: what the prose of the RFCs narrows, and their ABNF doesn't.
- `COUNTED`: a literal's octets. ABNF can't count them: `response_checker` does,
  takes them out, and leaves the announcement.
"""

from typing import ClassVar, Final

from abnf import ParseError, Rule
from abnf.grammars import rfc3629, rfc9051

# By RFC and section; the same words as there, but for line breaks.
ADDED: Final[dict[str, list[str]]] = {
    # RFC 9051 has no IMAP4rev1, no LSUB, no RFC822 and RFC822.TEXT.
    "RFC 3501 §9": [
        (
            'capability-data = "CAPABILITY" *(SP capability) SP "IMAP4rev1" '
            "*(SP capability)"
        ),
        (
            'mailbox-data = "FLAGS" SP flag-list / "LIST" SP mailbox-list / '
            '"LSUB" SP mailbox-list / "SEARCH" *(SP nz-number) / '
            '"STATUS" SP mailbox SP "(" [status-att-list] ")" / '
            'number SP "EXISTS" / number SP "RECENT"'
        ),
    ],
    "RFC 9051 §9": [
        "mailbox-data =/ esearch-response / namespace-response",
        (
            'response-data = "*" SP (resp-cond-state / resp-cond-bye / '
            "mailbox-data / message-data / capability-data / enable-data) CRLF"
        ),
    ],
    "RFC 3501 §9, msg-att": [
        'msg-att-static =/ "RFC822" [".HEADER" / ".TEXT"] SP nstring'
    ],
    "RFC 5256 §5": [
        'sort-data = "SORT" *(SP nz-number)',
        'thread-data = "THREAD" [SP 1*thread-list]',
        'thread-list = "(" (thread-members / thread-nested) ")"',
        "thread-members = nz-number *(SP nz-number) [SP thread-nested]",
        "thread-nested = 2*thread-list",
    ],
    "RFC 5267 §5": [
        "context-position = number",
        'resp-text-code =/ "NOUPDATE" SP quoted',
        (
            'ret-data-addto = "ADDTO" SP "(" context-position SP sequence-set '
            '*(SP context-position SP sequence-set) ")"'
        ),
        (
            'ret-data-removefrom = "REMOVEFROM" SP "(" context-position SP '
            'sequence-set *(SP context-position SP sequence-set) ")"'
        ),
    ],
    "RFC 7377 §4": [
        (
            'one-correlator = ("TAG" SP tag-string) / ("MAILBOX" SP astring) / '
            '("UIDVALIDITY" SP nz-number)'
        ),
    ],
    "RFC 9394 §4": [
        'partial-range-first = nz-number ":" nz-number',
        'partial-range-last = MINUS nz-number ":" MINUS nz-number',
        "partial-range = partial-range-first / partial-range-last",
        'ret-data-partial = "PARTIAL" SP "(" partial-range SP partial-results ")"',
        'partial-results = sequence-set / "NIL"',
    ],
    "RFC 4314 §7": [
        'acl-data = "ACL" SP mailbox *(SP identifier SP rights)',
        "identifier = astring",
        (
            'listrights-data = "LISTRIGHTS" SP mailbox SP identifier '
            "SP rights *(SP rights)"
        ),
        "mailbox-data =/ acl-data / listrights-data / myrights-data",
        'myrights-data = "MYRIGHTS" SP mailbox SP rights',
    ],
    # Of MULTIAPPEND.
    "RFC 4315 §4": ["append-uid =/ uid-set"],
    "RFC 6203 §7": [
        "score = 1*3DIGIT",
        'score-list = "(" [score *(SP score)] ")"',
    ],
    "RFC 7162 §7": [
        'status-att-val =/ "HIGHESTMODSEQ" SP mod-sequence-valzer',
        'fetch-mod-resp = "MODSEQ" SP "(" permsg-modsequence ")"',
        "msg-att-dynamic =/ fetch-mod-resp",
        (
            'resp-text-code =/ "HIGHESTMODSEQ" SP mod-sequence-value / '
            '"NOMODSEQ" / "MODIFIED" SP sequence-set'
        ),
        "permsg-modsequence = mod-sequence-value",
        "mod-sequence-value = 1*DIGIT",
        'mod-sequence-valzer = "0" / mod-sequence-value',
        'search-sort-mod-seq = "(" "MODSEQ" SP mod-sequence-value ")"',
        'mailbox-data =/ "SEARCH" [1*(SP nz-number) SP search-sort-mod-seq]',
        'sort-data =/ "SORT" [1*(SP nz-number) SP search-sort-mod-seq]',
        "message-data =/ expunged-resp",
        'expunged-resp = "VANISHED" [SP "(EARLIER)"] SP known-uids',
        "known-uids = sequence-set",
    ],
    "RFC 7889 §5": [
        'status-att-val =/ "APPENDLIMIT" SP (number / nil)',
    ],
    "RFC 9208 §6": [
        'quota-list = "(" quota-resource *(SP quota-resource) ")"',
        "quota-resource = resource-name SP resource-usage SP resource-limit",
        'quota-response = "QUOTA" SP quota-root-name SP quota-list',
        'quotaroot-response = "QUOTAROOT" SP mailbox *(SP quota-root-name)',
        "resource-limit = number64",
        (
            'resource-name = "STORAGE" / "MESSAGE" / "MAILBOX" / '
            '"ANNOTATION-STORAGE" / resource-name-ext'
        ),
        "resource-name-ext = atom",
        "resource-usage = number64",
        "quota-root-name = astring",
        "status-att-val =/ status-att-deleted-storage",
        'status-att-deleted-storage = "DELETED-STORAGE" SP number64',
    ],
    "RFC 5464 §5": [
        "entry = astring",
        "entry-value = entry SP value",
        'entry-values = "(" entry-value *(SP entry-value) ")"',
        "entry-list = entry *(SP entry)",
        'metadata-resp = "METADATA" SP mailbox SP (entry-values / entry-list)',
        'resp-text-code =/ "METADATA" SP "LONGENTRIES" SP number',
        (
            'resp-text-code =/ "METADATA" SP ("MAXSIZE" SP number / '
            '"TOOMANY" / "NOPRIVATE")'
        ),
        "value = nstring / literal8",
    ],
    "RFC 8474 §7": [
        'fetch-emailid-resp = "EMAILID" SP "(" objectid ")"',
        'fetch-threadid-resp = "THREADID" SP ( "(" objectid ")" / nil )',
        "msg-att-static =/ fetch-emailid-resp / fetch-threadid-resp",
        'objectid = 1*255(ALPHA / DIGIT / "_" / "-")',
        'resp-text-code =/ "MAILBOXID" SP "(" objectid ")"',
        'status-att-val =/ "MAILBOXID" SP "(" objectid ")"',
    ],
    "RFC 8514 §5": ['msg-att-static =/ "SAVEDATE" SP (date-time / nil)'],
    "RFC 8970 §6": ['msg-att-dynamic =/ "PREVIEW" SP nstring'],
    "RFC 4978 §5": ['resp-text-code =/ "COMPRESSIONACTIVE"'],
    "RFC 5465 §8": [
        'resp-text-code =/ "NOTIFICATIONOVERFLOW" / unsupported-events-code',
        ('unsupported-events-code = "BADEVENT" SP "(" event-name *(SP event-name) ")"'),
        "event-name = message-event-name / mailbox-event / user-event",
        (
            'message-event-name = "MessageNew" / "MessageExpunge" / "FlagChange" / '
            '"AnnotationChange"'
        ),
        (
            'mailbox-event = "MailboxName" / "SubscriptionChange" / '
            '"MailboxMetadataChange"'
        ),
        'user-event = "ServerMetadataChange"',
    ],
    "RFC 6154 §6": ['resp-text-code =/ "USEATTR"'],
    "RFC 4469 §5": [
        "resp-text-code =/ toobig-response-code / badurl-response-code",
        'toobig-response-code = "TOOBIG"',
        'badurl-response-code = "BADURL" SP url-resp-text',
        "url-resp-text = 1*(%x01-09 / %x0B-0C / %x0E-5B / %x5D-FE)",
    ],
}
# The same, of RFCs whose texts don't lie beside the checkout: from knowledge.
FROM_KNOWLEDGE: Final[dict[str, list[str]]] = {
    "RFC 4467 §9": [
        'genurlauth-data = "GENURLAUTH" 1*(SP url-full)',
        'urlfetch-data = "URLFETCH" 1*(SP url-full SP nstring)',
        "url-full = astring",
        'response-data =/ "*" SP (genurlauth-data / urlfetch-data) CRLF',
        'resp-text-code =/ "URLMECH" SP "INTERNAL" *(SP mechanism ["=" base64])',
        "mechanism = atom",
    ],
    "RFC 9585 §5": [
        (
            'resp-text-code =/ "INPROGRESS" [SP "(" inprogress-tag SP '
            'inprogress-state ")"]'
        ),
        "inprogress-tag = quoted / nil",
        (
            "inprogress-state = inprogress-state-unknown / "
            "inprogress-state-counting / inprogress-state-known-goal"
        ),
        "inprogress-state-unknown = nil SP nil",
        "inprogress-state-counting = number SP nil",
        "inprogress-state-known-goal = number SP nz-number",
    ],
    "RFC 9586 §5": [
        "message-data =/ uidfetch-resp",
        'uidfetch-resp = uniqueid SP "UIDFETCH" SP msg-att',
        'resp-text-code =/ "UIDREQUIRED"',
    ],
}
# What they have in another notation than ours.
REWORDED: Final = [
    # RFC 5256 §4 and §5 have the response, and don't say what kind it is.
    "mailbox-data =/ sort-data / thread-data",
    # RFC 5464 §5 and RFC 9208 §6 have them, and don't say of what kind they are.
    "mailbox-data =/ metadata-resp / quota-response / quotaroot-response",
    # RFC 9394 §4, whose MINUS is a string.
    'MINUS = "-"',
    # RFC 3501 §9, status-att; its status-att-list has no names for its parts.
    'status-att-val =/ "RECENT" SP number',
    # RFC 2971 §4, in RFC 822's "::=" and "#(…)".
    'id-params-list = "(" [string SP nstring *(SP string SP nstring)] ")" / nil',
    'id-response = "ID" SP id-params-list',
    'response-data =/ "*" SP id-response CRLF',
    # RFC 3516 §4.3 and RFC 9051 §7.5.2 say so, and their ABNF forgot it.
    (
        'msg-att-static =/ "BINARY" section-binary "<" number64 ">" SP '
        "(nstring / literal8)"
    ),
]
STRICTER: Final = [
    # RFC 9051 §7.1 ends its list with `atom [SP …]`, which takes a known code
    # with the wrong argument, and a misspelt one. These are all that we know.
    (
        'resp-text-code = "ALERT" / "BADCHARSET" [SP "(" charset '
        '*(SP charset) ")"] / capability-data / "PARSE" / '
        '"PERMANENTFLAGS" SP "(" [flag-perm *(SP flag-perm)] ")" / '
        '"READ-ONLY" / "READ-WRITE" / "TRYCREATE" / "UIDNEXT" SP '
        'nz-number / "UIDVALIDITY" SP nz-number / "UNSEEN" SP nz-number / '
        'resp-code-apnd / resp-code-copy / "UIDNOTSTICKY" / "UNAVAILABLE" / '
        '"AUTHENTICATIONFAILED" / "AUTHORIZATIONFAILED" / "EXPIRED" / '
        '"PRIVACYREQUIRED" / "CONTACTADMIN" / "NOPERM" / "INUSE" / '
        '"EXPUNGEISSUED" / "CORRUPTION" / "SERVERBUG" / "CLIENTBUG" / '
        '"CANNOT" / "LIMIT" / "OVERQUOTA" / "ALREADYEXISTS" / '
        '"NONEXISTENT" / "NOTSAVED" / "HASCHILDREN" / "CLOSED" / "UNKNOWN-CTE"'
    ),
    # RFC 7377 §4, whose rule would be put beside RFC 9051's otherwise.
    'search-correlator = SP "(" one-correlator *(SP one-correlator) ")"',
    # RFC 9051 §9 ends this with `search-ret-data-ext`, which takes anything.
    (
        'search-return-data = "MIN" SP nz-number / "MAX" SP nz-number / '
        '"ALL" SP sequence-set / "COUNT" SP number / "MODSEQ" SP mod-sequence-value / '
        "ret-data-partial / ret-data-addto / ret-data-removefrom / "
        '"RELEVANCY" SP score-list'
    ),
    # RFC 4314 §7 says so in a comment, of an astring.
    "rights = 1*(%x61-7A / DIGIT) / DQUOTE DQUOTE",
    # A text that begins with "[" would be read as a code by a client.
    'resp-text = "[" resp-text-code "]" SP [plain-text] / plain-text',
    "plain-text = plain-begin *TEXT-CHAR",
    "plain-begin = %x01-09 / %x0B-0C / %x0E-5A / %x5C-7F",
    # Eight bits belong into literals until the client has said that it takes
    # UTF-8 (RFC 3501 §9, TEXT-CHAR; RFC 6855 §3), which ours cannot say yet.
    "text = 1*TEXT-CHAR",
    (
        'QUOTED-CHAR = %x01-09 / %x0B-0C / %x0E-21 / %x23-5B / %x5D-7F / "\\" '
        "quoted-specials"
    ),
]
COUNTED: Final = [
    'literal = "{" number64 "}" CRLF',
    'literal8 = "~{" number64 "}" CRLF',
]
# They stand in the package's list, and would be redefined without a word.
_REPLACED: Final = {
    rule.partition(" = ")[0]
    for rules in (*ADDED.values(), *FROM_KNOWLEDGE.values(), STRICTER, COUNTED)
    for rule in rules
    if " = " in rule
}


def _name(rule: str) -> str:
    return rule.partition("=")[0].strip()


class Response(Rule):
    """The rules above; ``Response("greeting")`` is one of them."""

    grammar: ClassVar[list[str] | str] = [
        *(rule for rule in rfc9051.Rule.grammar if _name(rule) not in _REPLACED),
        *STRICTER,
        *COUNTED,
        *(rule for rules in ADDED.values() for rule in rules),
        *(rule for rules in FROM_KNOWLEDGE.values() for rule in rules),
        *REWORDED,
    ]


for _rule in Response.grammar:
    Response.create(_rule)
for _utf8 in ("UTF8-char", "UTF8-2", "UTF8-3", "UTF8-4"):
    Response(_utf8, rfc3629.Rule(_utf8).definition)


def parses(rule: str, text: bytes) -> bool:
    """Say whether the whole of ``text`` is what ``rule`` describes."""
    try:
        node = Response(rule).parse_all(text.decode("latin-1"))
    except ParseError:
        return False
    assert node.value.encode("latin-1") == text
    return True
