"""imapfilter: rules in Lua that sort a mailbox."""

import subprocess
from collections.abc import Callable
from pathlib import Path

from benchmarks.servers import Server
from tests.support.mailbox_contents import contents, deliver, mailboxes
from tests.support.real_clients import ended_well

RULES = """\
options.timeout = 30
options.create = true
options.subscribe = true
options.expunge = true
account = IMAP {{
    server = '127.0.0.1', port = {port}, username = 'alice', password = 'wonderland'
}}
inbox = account.INBOX
exist, recent, unseen, uidnext = inbox:check_status()
assert(exist == 6 and unseen == 6 and uidnext == 7)
spam = inbox:contain_subject('SPAM') + inbox:contain_body('message buy')
spam:delete_messages();
bills = inbox:contain_from('post@example.org') * inbox:contain_subject('bill')
bills:move_messages(account['Money/Bills'])
inbox:contain_subject('friend'):copy_messages(account['Kept'])
inbox:contain_subject('friend'):mark_flagged()
inbox:is_unflagged():mark_seen()
inbox:is_smaller(100000):add_flags({{ 'sorted' }})
account:create_mailbox('Empty')
account:rename_mailbox('Empty', 'Still empty')
mailboxes, folders = account:list_all()
assert(#mailboxes > 4)
for _, message in ipairs(inbox:select_all()) do
    name, uid = table.unpack(message)
    assert(name[uid]:fetch_field('Subject'))
end
"""


def test_rules_are_followed(
    imapbox_in_one: Server,
    tmp_path: Path,
    require_program: Callable[[str], str],
    client_page: Callable[[str, str], None],
) -> None:
    """Search, delete, move and copy into mailboxes that it makes, flag, rename."""
    imapfilter = require_program("imapfilter")
    said = subprocess.run(
        [imapfilter, "-V"], capture_output=True, check=False, text=True
    )
    version = (said.stdout + said.stderr).split()[1]
    server = imapbox_in_one
    deliver(server, "alice", "one", "SPAM", "buy", "bill 1", "bill 2", "friend")
    rules = tmp_path / "rules.lua"
    rules.write_text(RULES.format(port=server.imap[1]))
    ended_well([imapfilter, "-c", rules], env={"HOME": str(tmp_path)})
    assert contents(server, "alice") == {
        "one": {"\\Seen", "sorted"},
        "friend": {"\\Flagged", "sorted"},
    }
    assert contents(server, "alice", "Money/Bills").keys() == {"bill 1", "bill 2"}
    assert contents(server, "alice", "Kept").keys() == {"friend"}
    assert "Still empty" in mailboxes(server, "alice")
    client_page("imapfilter", version)
