"""From the octets of a URL to what it says.

RFC 5092 §11, from knowledge, as RFC 4467 §7 has its ``iurlauth``::

    imapurl      = "imap://" iserver ipath-query
    imapurl-rel  = "//" iserver ipath-query / "/" [icommand] / icommand /
                   imsg-or-part / ""
    iserver      = [[enc-user] [";AUTH=" ("*" / enc-auth-type)] "@"] host
                   [":" port]
    ipath-query  = ["/" [icommand]]
    icommand     = imailbox-ref ["?" enc-search] /
                   imailbox-ref "/" iuid ["/" isection] ["/" ipartial] [iurlauth]
    imsg-or-part = iuid ["/" isection] ["/" ipartial] /
                   isection ["/" ipartial] / ipartial
    imailbox-ref = enc-mailbox [";UIDVALIDITY=" nz-number]
    iuid         = ";UID=" nz-number
    isection     = ";SECTION=" enc-section
    ipartial     = ";PARTIAL=" number ["." nz-number]
    iurlauth     = [";EXPIRE=" date-time] ";URLAUTH=" access
                   [":" uauth-mechanism ":" enc-urlauth]
    access       = ("submit+" / "user+") enc-user / "authuser" / "anonymous"
    enc-urlauth  = 32*HEXDIG
    date-time    = <RFC 3339 §5.6>

What is encoded is made of unreserved characters, ``!$'()*+,&=`` and %-encoded
octets; in names of mailboxes, in searches and sections, ``:@/`` stand for
themselves, too. Names of mailboxes are UTF-8, whatever the session speaks: RFC 5092
§8. Dot segments are not removed: no mailbox has such a name.
"""

import re
from datetime import UTC, datetime
from typing import Final
from urllib.parse import unquote_to_bytes

from imapbox.model.numbers import MAX_UID
from imapbox.wire.errors import BadSyntax
from imapbox.wire.imap.fetch_items import Partial, Section, read_section
from imapbox.wire.imap.lexer import MAX_NUMBER64, Lexer
from imapbox.wire.imap.urls import Access, Authorization, ImapUrl, Server

MAX_URL: Final = 8 * 1024

_encoded = rb"(?:[A-Z0-9\-._~!$'()*+,&=]++|%[0-9A-F]{2})"
# The "/" before a parameter is none of what is before it.
_path = rb"(?:[A-Z0-9\-._~!$'()*+,&=:@]++|%[0-9A-F]{2}|/(?!;))++"
_nz_number = rb"[1-9][0-9]{0,9}"
_number64 = rb"[0-9]{1,19}"
_nz_number64 = rb"[1-9][0-9]{0,18}"
_iserver = (
    rb"(?:(?P<user>%b*+)(?:;AUTH=(?:\*|%b++))?@)?"
    rb"(?P<host>\[[0-9A-F:.]{2,45}\]|(?:[A-Z0-9\-._~]|%%[0-9A-F]{2}){1,255}+)"
    rb"(?::(?P<port>[0-9]{1,5}))?(?=/|\Z)"
) % (_encoded, _encoded)
_imailbox_ref = (
    rb"(?P<mailbox>%b)(?:;UIDVALIDITY=(?P<uidvalidity>%b))?"
    rb"(?:\?(?P<search>%b)\Z)?"
) % (_path, _nz_number, _path)
# What begins an imsg-or-part has no "/" before it.
_iuid = rb"(?(mailbox)/|);UID=(?P<uid>%b)" % _nz_number
_isection = rb"(?(uid)/|);SECTION=(?P<section>%b)" % _path
_ipartial = (
    rb"(?(uid)/|(?(section)/|));PARTIAL=(?P<start>%b)(?:\.(?P<length>%b))?"
) % (_number64, _nz_number64)
_date_time = (
    rb"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?"
    rb"(?:Z|[+-][0-9]{2}:[0-9]{2})"
)
_iurlauth = (
    rb"(?P<authorization>(?:;EXPIRE=(?P<expire>%b))?;URLAUTH="
    rb"(?:(?P<for>(?:submit|user)\+)(?P<whom>%b++)|(?P<all>authuser|anonymous)))"
    rb"(?P<verifier>:(?P<mechanism>[A-Z0-9\-.]+):(?P<token>[0-9A-F]{32,256}))?"
) % (_date_time, _encoded)
_URL = re.compile(
    rb"(?:(?:imap:)?//%b)?(?P<root>/)?(?:%b)?(?:%b)?(?:%b)?(?:%b)?(?:%b)?"
    % (_iserver, _imailbox_ref, _iuid, _isection, _ipartial, _iurlauth),
    re.IGNORECASE,
)
_LEAP_SECOND = re.compile(r"(T..:..:)60")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def parse_url(octets: bytes) -> ImapUrl:
    """Return what a URL says, absolute or relative.

    Raises:
        BadSyntax: It is none, or it has more than `MAX_URL` octets.
    """
    match = _URL.fullmatch(octets) if len(octets) <= MAX_URL else None
    if match is None or not _is_whole(match):
        raise BadSyntax("url", octets)
    return ImapUrl(
        server=_server(match),
        rooted=match["root"] is not None,
        mailbox=_text(match["mailbox"]),
        uidvalidity=_number(match["uidvalidity"], MAX_UID),
        uid=_number(match["uid"], MAX_UID),
        section=_section(match["section"]),
        partial=_partial(match),
        search=_octets(match["search"]),
        authorization=_authorization(match),
    )


def _is_whole(match: re.Match[bytes]) -> bool:
    """Say whether nothing is missing before what there is."""
    mailbox = match["mailbox"]
    is_message = mailbox is not None and match["uid"] is not None
    is_absolute = match["host"] is not None or match["root"] is not None
    if mailbox is not None and not is_absolute and b":" in mailbox.split(b"/")[0]:
        return False  # a scheme that is none of ours: RFC 3986 §4.2
    if match["authorization"]:
        return is_message
    is_part = any(match[name] for name in ("uid", "section", "start"))
    # Where neither is there, a part is one of what is known already.
    return is_message or not is_part or not (mailbox or is_absolute)


def _server(match: re.Match[bytes]) -> Server | None:
    if match["host"] is None:
        return None
    return Server(_text(match["user"]), match["host"], _number(match["port"], 65535))


def _section(encoded: bytes | None) -> Section | None:
    octets = _octets(encoded)
    if octets is None:
        return None
    lexer = Lexer((octets,))
    section = read_section(lexer)
    lexer.end()
    return section


def _partial(match: re.Match[bytes]) -> Partial | None:
    start = _number(match["start"], MAX_NUMBER64)
    if start is None:
        return None
    length = _number(match["length"], MAX_NUMBER64)
    return Partial(start, MAX_NUMBER64 if length is None else length)


def _authorization(match: re.Match[bytes]) -> Authorization | None:
    if not match["authorization"]:
        return None
    verifier = match["verifier"]
    return Authorization(
        rump=match.string[: match.start("verifier") if verifier else None],
        expires=_seconds(match["expire"]),
        access=Access((match["for"] or match["all"]).lower()),
        user=_text(match["whom"]),
        mechanism=match["mechanism"].upper() if verifier else None,
        token=match["token"].lower() if verifier else None,
    )


def _seconds(date_time: bytes | None) -> float | None:
    if date_time is None:
        return None
    text = _LEAP_SECOND.sub(r"\g<1>59", date_time.decode().upper())
    try:
        return (datetime.fromisoformat(text) - _EPOCH).total_seconds()
    except (ValueError, OverflowError) as error:
        raise BadSyntax("date-time", date_time) from error


def _number(digits: bytes | None, largest: int) -> int | None:
    if digits is None:
        return None
    if (number := int(digits)) > largest:
        raise BadSyntax("number", digits)
    return number


def _text(encoded: bytes | None) -> str | None:
    octets = _octets(encoded)
    try:
        return None if octets is None else octets.decode()
    except UnicodeDecodeError as error:
        raise BadSyntax("UTF-8", octets or b"") from error


def _octets(encoded: bytes | None) -> bytes | None:
    return None if encoded is None else unquote_to_bytes(encoded)
