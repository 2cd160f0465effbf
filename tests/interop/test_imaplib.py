"""imaplib, of Python itself: what most scripts use."""

import email
import platform
import re
from collections.abc import Callable

from benchmarks.servers import Server
from tests.support.mailbox_contents import contents, deliver, message, other_client


def test_a_day_in_a_script(
    imapbox_in_one: Server, client_page: Callable[[str, str], None]
) -> None:
    """Every method of imaplib that RFC 3501 has a command for does its work."""
    client_page("imaplib", f"Python {platform.python_version()}")
    server = imapbox_in_one
    deliver(server, "alice", "one", "two", "three")
    with other_client(server, "alice") as client:
        assert client.noop()[0] == client.check()[0] == "OK"
        assert client.namespace()[1] == [
            b'(("" "/")) (("Other Users/" "/")) (("Shared/" "/"))'
        ]
        _, (found,) = client.search(None, "SUBJECT", "two")
        assert found == b"2"
        _, (found,) = client.uid("SEARCH", "CHARSET", "UTF-8", "NOT", "TEXT", '"two"')
        assert found == b"1 3"

        _, answer = client.fetch("2", "(ENVELOPE BODYSTRUCTURE RFC822.SIZE RFC822)")
        (head, octets), _ = answer
        assert b'"two" (("Post" NIL "post" "example.org"))' in head
        assert b'BODYSTRUCTURE ("TEXT" "PLAIN"' in head.upper()
        parsed = email.message_from_bytes(octets)
        assert parsed["Subject"] == "two"
        assert parsed.get_payload() == "This is the message two.\r\n"
        assert int(re.findall(rb"RFC822.SIZE (\d+)", head)[0]) == len(octets)

        status, _ = client.append("INBOX", "\\Draft", None, message("four"))
        assert status == "OK"
        assert client.create("Kept")[0] == client.subscribe("Kept")[0] == "OK"
        assert client.copy("1:2", "Kept")[0] == "OK"
        assert client.uid("COPY", "4", "Kept")[0] == "OK"
        assert client.rename("Kept", '"Put away/Here"')[0] == "OK"
        assert any(b"Put away/Here" in each for each in client.list()[1])
        assert [each for each in client.lsub('""', "Kept*")[1] if each]
        _, (status_line,) = client.status('"Put away/Here"', "(MESSAGES UNSEEN)")
        assert status_line.endswith(b"(MESSAGES 3 UNSEEN 2)")

        client.store("1,3", "+FLAGS", "\\Deleted")
        assert client.expunge()[1] == [b"3", b"1"]
        assert client.unselect()[0] == "OK"
        client.select('"Put away/Here"', readonly=True)
        assert client.store("1", "+FLAGS", "\\Deleted")[0] == "NO"
        assert client.close()[0] == "OK"
        here = '"Put away/Here"'
        assert client.setacl(here, "bob", "lrd")[0] == "OK"
        all_rights = b"lrswipkxteacd"
        assert client.getacl(here)[1] == [
            b'"Put away/Here" alice %b bob lrted' % all_rights
        ]
        assert client.myrights(here)[1] == [b'"Put away/Here" %b' % all_rights]
        with other_client(server, "bob", '"Other Users/alice/Put away/Here"') as bob:
            assert len(bob.fetch("1:*", "FLAGS")[1]) == 3
        assert client.deleteacl(here, "bob")[0] == "OK"
        assert client.unsubscribe("Kept")[0] == "OK"
        assert client.delete('"Put away/Here"')[0] == "OK"
        client.select("INBOX")
    assert contents(server, "alice") == {"two": {"\\Seen"}, "four": {"\\Draft"}}
