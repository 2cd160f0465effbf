"""Mail read by curl, as a person would from a shell."""

import subprocess


def curl_imap(
    address: tuple[str, int], user: str, password: str, path: str, *arguments: str
) -> bytes:
    """Return what curl prints for ``imap://address/path``.

    Args:
        address: (host, port).
        user: Who logs in.
        password: With what.
        path: As in RFC 5092: ``INBOX;UID=1``, or "" to list mailboxes.
        arguments: More of curl's, such as ``-X``, ``NOOP``.

    Raises:
        subprocess.CalledProcessError: curl failed; its ``stderr`` says why.
    """
    host, port = address
    url = f"imap://{host}:{port}/{path}"
    return subprocess.run(
        [
            "curl",
            "-sS",
            "--max-time",
            "30",
            "-u",
            f"{user}:{password}",
            url,
            *arguments,
        ],
        capture_output=True,
        check=True,
        timeout=40,
    ).stdout
