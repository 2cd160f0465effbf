"""The lines of a Dovecot passwd-file.

One line for each user, fields separated by colons; we read the first two::

    user:{SCHEME}hash:uid:gid:gecos:home:shell:extra

Empty lines and lines that begin with "#" say nothing. Where a user has two
lines the first counts, as it does for Dovecot.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from imapbox.auth.hashes import StoredHash, parse_hash
from imapbox.model.names import UserName, user_name


@dataclass(frozen=True, slots=True)
class Users:
    """What a passwd-file says.

    Attributes:
        hashes: Everyone named; None is somebody who can not log in.
        complaints: What is wrong with the file, without its secrets.
        decoy: A hash as most users have it, to check the password of one who
            does not exist against; None if nobody can log in anyway.
    """

    hashes: Mapping[UserName, StoredHash | None]
    complaints: tuple[str, ...]
    decoy: StoredHash | None


def parse_users(content: bytes) -> Users:
    """Read a whole passwd-file. Never fails; what is wrong is complained of."""
    hashes: dict[UserName, StoredHash | None] = {}
    complaints = []
    for number, line in enumerate(_lines(content), start=1):
        if not _names_a_user(line):
            continue
        user = _user_of(line)
        if user is None:
            complaints.append(f"line {number}: not a user name")
        elif user in hashes:
            complaints.append(f"line {number}: {user} has a line already")
        else:
            hashes[user] = parse_hash(line.split(":")[1] if ":" in line else "")
            if hashes[user] is None:
                complaints.append(
                    f"line {number}: {user} can not log in: no password hash that "
                    "imapbox knows"
                )
    return Users(hashes, tuple(complaints), _decoy(hashes))


def with_hash(content: bytes, user: UserName, hashed: str) -> bytes:
    """Return the file with this hash for ``user``, whose other fields stay.

    Further lines of the same user go; everybody else's stay as they are.
    """
    kept = []
    found = False
    for line in _lines(content):
        if not _names_a_user(line) or _user_of(line) != user:
            kept.append(line)
        elif not found:
            found = True
            others = line.split(":")[2:]
            kept.append(":".join([user, hashed, *others]))
    if not found:
        kept.append(f"{user}:{hashed}")
    return "".join(f"{line}\n" for line in kept).encode(errors="surrogateescape")


def can_be_written(user: UserName) -> bool:
    """Say whether a line can begin with this name and mean it."""
    return ":" not in user and not user.startswith("#") and user == user.strip()


def _lines(content: bytes) -> list[str]:
    # Not splitlines(): U+2028 and its like end no line here.
    text = content.decode(errors="surrogateescape")
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    return [line.removesuffix("\r") for line in lines]


def _names_a_user(line: str) -> bool:
    return bool(line.strip()) and not line.startswith("#")


def _user_of(line: str) -> UserName | None:
    return user_name(line.partition(":")[0])


def _decoy(hashes: Mapping[UserName, StoredHash | None]) -> StoredHash | None:
    known = [stored for stored in hashes.values() if stored is not None]
    costs = Counter((stored.scheme, stored.cost) for stored in known)
    if not costs:
        return None
    usual = costs.most_common(1)[0][0]
    return next(stored for stored in known if (stored.scheme, stored.cost) == usual)
