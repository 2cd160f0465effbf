"""Every command in every state."""

from imapbox.lmtp.states import EXPECTED_IN, PERMITTED_IN, State
from imapbox.wire.lmtp.commands import Verb
from tests.support.lmtp_store import LOCAL, Conversation, codes, statuses

LEADS_TO: dict[State, list[bytes]] = {
    State.CONNECTED: [],
    State.READY: [b"LHLO c"],
    State.SENDER_GIVEN: [b"LHLO c", b"MAIL FROM:<>"],
    State.RECIPIENTS_GIVEN: [b"LHLO c", b"MAIL FROM:<>", b"RCPT TO:<alice>"],
    State.CHUNKS_GIVEN: [
        b"LHLO c",
        b"MAIL FROM:<>",
        b"RCPT TO:<alice>",
        b"BDAT 2\r\n",
    ],
}
COMMANDS: dict[Verb, bytes] = {
    Verb.LHLO: b"LHLO c",
    Verb.MAIL: b"MAIL FROM:<>",
    Verb.RCPT: b"RCPT TO:<alice>",
    Verb.DATA: b"DATA",
    Verb.BDAT: b"BDAT 3\r\nx",
    Verb.XFORWARD: b"XFORWARD IDENT=1",
    Verb.RSET: b"RSET",
    Verb.NOOP: b"NOOP",
    Verb.VRFY: b"VRFY alice",
    Verb.HELP: b"HELP",
    Verb.QUIT: b"QUIT",
}
GOES_TO: dict[Verb, State] = {
    Verb.LHLO: State.READY,
    Verb.MAIL: State.SENDER_GIVEN,
    Verb.RCPT: State.RECIPIENTS_GIVEN,
    Verb.BDAT: State.CHUNKS_GIVEN,
}


def test_tables_are_complete() -> None:
    """Every command has its row, and every state says what leads on."""
    assert set(PERMITTED_IN) == set(Verb) == set(COMMANDS)
    assert set(EXPECTED_IN) == set(State) == set(LEADS_TO)
    for state, verb in EXPECTED_IN.items():
        assert state in PERMITTED_IN[verb]


def state_of(conversation: Conversation) -> State:
    """Find out where the session stands, by asking."""
    status = statuses(conversation.send(b"MAIL FROM:<>\r\n"))
    if status == ["250 2.1.0"]:
        return State.READY
    (line,) = conversation.send(b"MAIL FROM:<>\r\n")
    return {
        f"503 5.5.1 Not now: {verb.value} comes first.": state
        for state, verb in EXPECTED_IN.items()
    }[line]


def test_every_command_in_every_state() -> None:
    """A command is obeyed where the table has it, and else changes nothing."""
    for state, before in LEADS_TO.items():
        for verb, command in COMMANDS.items():
            conversation = Conversation(peer=LOCAL)
            conversation.heard()
            for each in before:
                assert codes(conversation.send(each + b"\r\n")) == ["250"]
            answer = statuses(conversation.send(command + b"\r\n"))
            if state not in PERMITTED_IN[verb]:
                assert answer == ["503 5.5.1"]
                assert state_of(conversation) is state
            elif verb is Verb.DATA:
                assert answer[0][:3] == "354"
            elif verb is Verb.QUIT:
                assert answer == ["221 2.0.0"]
                assert not conversation.transport.connected
            else:
                assert answer[0][0] == "2"
                after = GOES_TO.get(verb, state)
                if verb is Verb.RSET and state is not State.CONNECTED:
                    after = State.READY
                assert state_of(conversation) is after


def test_no_recipient_no_message() -> None:
    """DATA without an accepted recipient reads no message. RFC 2033 §4.2."""
    conversation = Conversation()
    conversation.send(b"LHLO c\r\nMAIL FROM:<>\r\n")
    assert codes(conversation.send(b"RCPT TO:<a@elsewhere.test>\r\n")) == ["550"]
    assert codes(conversation.send(b"DATA\r\nNOOP\r\n")) == ["503", "250"]
