"""URLs spelled in one of the ways in which they can be, and made up."""

import random
from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import strategies as st

from imapbox.wire.imap.fetch_items import FIELDS, Partial, Section, SectionText
from imapbox.wire.imap.strings import string
from imapbox.wire.imap.urls import Access, Authorization, ImapUrl, Server

TO_THE_END = 2**63 - 1
_PLAIN = frozenset(b"ABCXYZabcxyz0189-._~!$'()*+,&=")
_PATH = _PLAIN | frozenset(b"/:@")
HOUR = 3600


def spelled(url: ImapUrl, chance: random.Random) -> bytes:
    """Return ``url`` as a client may write it."""
    return _Speller(chance).url(url)


class _Speller:
    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def url(self, url: ImapUrl) -> bytes:
        text = b"" if url.server is None else self._server(url.server)
        text += b"/" if url.rooted else b""
        text += b"" if url.mailbox is None else self._mailbox(url.mailbox)
        if url.uidvalidity is not None:
            text += self._named(b";UIDVALIDITY=") + b"%d" % url.uidvalidity
        if url.search is not None:
            text += b"?" + self._encoded(url.search, _PATH)
        parts = self._parts(url)
        text += b"/".join([b"", *parts] if url.mailbox and parts else parts)
        if url.authorization is not None:
            text += self._authorization(url.authorization)
        return text

    def _named(self, name: bytes) -> bytes:
        return self._chance.choice((name, name.lower(), name.title()))

    def _encoded(self, octets: bytes, plain: frozenset[int]) -> bytes:
        return b"".join(
            bytes([octet])
            if octet in plain and self._chance.random() < 0.9
            else self._chance.choice((b"%%%02X", b"%%%02x")) % octet
            for octet in octets
        )

    def _server(self, server: Server) -> bytes:
        text = self._chance.choice((b"imap://", b"IMAP://", b"//"))
        if server.user is not None:
            text += self._encoded(server.user.encode(), _PLAIN)
            text += self._chance.choice((b"", b";AUTH=*", b";auth=plain")) + b"@"
        port = b"" if server.port is None else b":%d" % server.port
        return text + server.host + port

    def _mailbox(self, name: str) -> bytes:
        first, *others = name.encode().split(b"/")
        levels = [self._encoded(first, _PLAIN)]
        levels += [self._encoded(each, _PATH) for each in others]
        # A "/" at an end of it would belong to what is beside it.
        return (b"/" if first and levels[-1] else b"%2F").join(levels)

    def _parts(self, url: ImapUrl) -> list[bytes]:
        parts = []
        if url.uid is not None:
            parts.append(self._named(b";UID=") + b"%d" % url.uid)
        if url.section is not None:
            spec = self._encoded(_spec(url.section), _PATH)
            parts.append(self._named(b";SECTION=") + spec)
        if url.partial is not None:
            length = url.partial.length
            end = b"" if length == TO_THE_END else b".%d" % length
            parts.append(self._named(b";PARTIAL=") + b"%d" % url.partial.start + end)
        return parts

    def _authorization(self, access: Authorization) -> bytes:
        text = b""
        if access.expires is not None:
            text += self._named(b";EXPIRE=") + self._date_time(access.expires)
        text += self._named(b";URLAUTH=") + self._named(access.access.value)
        text += self._encoded((access.user or "").encode(), _PLAIN)
        if access.mechanism is not None and access.token is not None:
            text += b":%b:%b" % (self._named(access.mechanism), access.token.upper())
        return text

    def _date_time(self, seconds: float) -> bytes:
        zones = ((0, "Z"), (-5 * HOUR, "-05:00"), (HOUR // 2, "+00:30"))
        east, zone = self._chance.choice(zones)
        local = datetime.fromtimestamp(seconds + east, UTC).isoformat()
        text = local.removesuffix("+00:00") + zone
        return self._chance.choice((text, text.lower())).encode()


def without_rump(url: ImapUrl) -> ImapUrl:
    """Return what remains of ``url`` however it is spelled."""
    if url.authorization is None:
        return url
    return replace(url, authorization=replace(url.authorization, rump=b""))


def _spec(section: Section) -> bytes:
    numbers = [b"%d" % number for number in section.part]
    spec = b".".join([*numbers, *filter(None, [section.text.value])])
    if section.text in FIELDS:
        spec += b" (%b)" % b" ".join(map(string, section.fields))
    return spec


_words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=9)
_numbers = st.integers(1, 2**32 - 1)
_sections = st.one_of(
    st.builds(Section, st.lists(_numbers, min_size=1, max_size=3).map(tuple)),
    st.builds(
        Section,
        st.lists(_numbers, max_size=2).map(tuple),
        st.sampled_from([SectionText.HEADER, SectionText.TEXT]),
    ),
    st.builds(
        Section,
        st.lists(_numbers, max_size=2).map(tuple),
        st.sampled_from(sorted(FIELDS, key=lambda each: each.value)),
        st.lists(st.sampled_from([b"To", b'a"(b', b"x:"]), min_size=1).map(tuple),
    ),
)
_partials = st.builds(
    Partial, st.integers(0, TO_THE_END), _numbers | st.just(TO_THE_END)
)
_servers = st.builds(
    Server,
    st.none() | _words,
    st.sampled_from([b"example.org", b"[::1]", b"10.0.0.1", b"x%41"]),
    st.none() | st.integers(1, 65535),
)
_tokens = st.none() | st.binary(min_size=16, max_size=40).map(
    lambda token: token.hex().encode()
)
_expiries = st.none() | st.integers(-(10**10), 10**11).map(lambda ms: ms / 8)


@st.composite
def authorizations(draw) -> Authorization:
    access = draw(st.sampled_from(Access))
    token = draw(_tokens)
    return Authorization(
        rump=b"",
        expires=draw(_expiries),
        access=access,
        user=draw(_words) if access.value.endswith(b"+") else None,
        mechanism=b"INTERNAL" if token else None,
        token=token,
    )


@st.composite
def urls(draw) -> ImapUrl:
    """URLs as they may be: of everything, of mailboxes, messages, and their parts."""

    def optional(some):
        return draw(st.none() | some)

    server = optional(_servers)
    kind = draw(st.sampled_from(["nothing", "mailbox", "message", "part"]))
    section, partial = optional(_sections), optional(_partials)
    if kind == "part" and server is None:
        uid = optional(_numbers)
        return ImapUrl(uid=uid, section=section, partial=partial)
    named = kind != "nothing"
    rooted = draw(st.booleans()) if server is None or not named else True
    url = ImapUrl(server=server, rooted=rooted)
    if not named:
        return url
    url = replace(url, mailbox=draw(_words), uidvalidity=optional(_numbers))
    if kind == "mailbox":
        return replace(url, search=optional(_words.map(str.encode)))
    return replace(
        url,
        uid=draw(_numbers),
        section=section,
        partial=partial,
        authorization=optional(authorizations()),
    )
