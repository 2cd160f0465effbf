"""imap-tools: a script that looks after mail."""

from collections.abc import Callable
from importlib.metadata import version

from imap_tools import AND, NOT, MailboxFolderSelectError, MailBoxUnencrypted
from imap_tools import MailMessageFlags as Flags

from benchmarks.servers import Server
from tests.support.mailbox_contents import contents, deliver, message


def test_a_script_looks_after_mail(
    imapbox_in_one: Server, client_page: Callable[[str, str], None]
) -> None:
    """Search, read, flag, copy, move, delete, append; mailboxes; wait for mail."""
    server = imapbox_in_one
    deliver(server, "alice", "one", "two", "three")
    host, port = server.imap
    with MailBoxUnencrypted(host, port, timeout=30).login("alice", "wonderland") as box:
        found = list(box.fetch(AND(seen=False), mark_seen=False))
        assert [each.subject for each in found] == ["one", "two", "three"]
        assert found[0].from_values.email == "post@example.org"
        assert found[0].text.startswith("This is the message one.")
        (two,) = box.uids(AND(NOT(subject="three"), subject="two"))
        box.flag(two, [Flags.FLAGGED, "mine"], True)
        box.folder.create("Kept")
        box.folder.subscribe("Kept", True)
        box.copy(two, "Kept")
        box.move(found[2].uid, "Kept")
        box.delete(found[0].uid)
        box.append(message("four"), "INBOX", flag_set=[Flags.DRAFT])
        box.folder.rename("Kept", "Away")
        assert box.folder.status("Away")["MESSAGES"] == 2
        names = {each.name for each in box.folder.list()}
        assert {"INBOX", "Away"} <= names
        assert "Kept" not in names
        try:
            box.folder.set("Nowhere")
        except MailboxFolderSelectError as error:
            assert error.command_result[0] == "NO"
        else:
            raise AssertionError("it is nowhere")
        box.folder.set("INBOX")
        with box.idle:
            deliver(server, "alice", "five")
            assert any(b"EXISTS" in each for each in box.idle.poll(timeout=30))
    assert contents(server, "alice") == {
        "two": {"\\Flagged", "mine"},
        "four": {"\\Draft"},
        "five": set(),
    }
    assert contents(server, "alice", "Away").keys() == {"two", "three"}
    client_page("imap-tools", version("imap-tools"))
