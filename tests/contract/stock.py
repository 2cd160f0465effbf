"""What the stock IMAP4Server of Twisted 26.10 can't do, and why.

Places are in twisted/mail/imap4.py.
"""

from typing import Final

STOCK_FAILS: Final = {
    "test_append_to_nothing": "the text of its NO is str: _cbAppendGotMailbox",
    "test_append_without_flags": "it iterates None: _cbAppendGotMailbox",
    "test_arguments_missing": "FETCH without items is OK: do_FETCH",
    "test_bodystructure": "a text's size is RFC822.SIZE: _basicFields",
    "test_copy_to_nothing": "the text of its NO is str: _cbCopySelectedMailbox",
    "test_eight_bit_command": "no tagged answer: lookupCommand decodes ASCII",
    "test_endless_line": "it closes without a word: LineReceiver",
    "test_examine": "a refusal of STORE is BAD: __ebStore",
    "test_header_of_a_message_in_a_message": "spew_body asks the part, not the message",
    "test_idle_tells_of_a_delivery": "a + without a space: do_IDLE",
    "test_literal": "a literal ends the arguments: arg_searchkeys",
    "test_literal_sizes": "whatever int() takes, and no limit: arg_literal",
    "test_literal_that_does_not_wait": "octets of {n+} become commands",
    "test_login_with_quoted_specials": "no escapes in strings: arg_astring",
    "test_missing_part": "an exception closes the connection: __ebSpewMessage",
    "test_noop_tells_of_expunges": "NOOP asks no mailbox: do_NOOP",
    "test_only_done_ends_idle": "any line does: parse_idle",
    "test_part_of_a_message_in_a_message": "spew_body raises TypeError",
    "test_partial": "all octets, and <0.10> in the label: spew_body, getBytes",
    "test_partial_at_the_end": "the same",
    "test_reading_sets_seen": "peek is read and never used: spew_body",
    "test_rename_inbox": "it refuses: do_RENAME",
    "test_select_tells_permanentflags": "it does not: _cbSelectWork",
    "test_select_tells_uidnext": "it does not: _cbSelectWork",
    "test_select_tells_unseen": "it does not: _cbSelectWork",
    "test_status_of_a_name_with_spaces": "names are told unquoted: __cbStatus",
    "test_status_of_nonsense": "it would never answer; so we leave it out",
    "test_store_of_nonsense": "any item is FLAGS: do_STORE",
    "test_subscription_outlives_its_mailbox": "LSUB lists what LIST does",
    "test_the_last_one": "*:* is BAD: parseIdList",
    "test_unknown_charset": "the charset is ignored: do_SEARCH",
}
STOCK_IS_LUCKY: Final = dict.fromkeys(
    (
        "test_noop_tells_of_a_delivery",
        "test_check_tells_of_a_delivery",
        "test_flags_of_others",
        "test_new_mail_behind_an_untold_expunge",
    ),
    "NOOP asks no mailbox; the watch was quick enough",
) | dict.fromkeys(
    ("test_pipelined_select", "test_pipelined_changes", "test_pipelined_fetches"),
    "the next command runs before SELECT or STORE is done",
)
