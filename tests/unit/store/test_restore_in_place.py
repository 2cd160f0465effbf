"""What of a mailbox comes along when another one takes its place."""

from imapbox.model.flags import Flag
from imapbox.model.names import INBOX
from tests.simulation.disk import run
from tests.simulation.mailbox import Message, deliver
from tests.unit.store.restores import BODIES, LATER, Stores

IMPORTANT = frozenset({"Important"})


def test_what_the_copy_could_not_give_back_is_kept() -> None:
    """A message that rotted in the copy is there as it is now, with its flags.

    What rotted here comes from the copy; what rotted in both, or only is here, is
    left out, and both mailboxes' UIDs are told.
    """
    stores = Stores()
    run(deliver(stores.account(), LATER), stores.process)
    stores.rot(BODIES[1], in_copy=True)
    stores.rot(BODIES[0], in_copy=False)
    done = stores.restore(INBOX)
    assert (done.messages, done.kept) == (1, 2)
    assert (done.broken, done.broken_here) == ([2], [])
    assert stores.look().messages == (
        Message(1, 0, frozenset(), BODIES[0]),
        Message(2, Flag.FLAGGED, IMPORTANT, BODIES[1]),
        Message(3, 0, frozenset(), LATER),
    )
    stores = Stores()
    run(deliver(stores.account(), LATER), stores.process)
    stores.rot(BODIES[1], in_copy=True)
    for body in (BODIES[1], LATER):
        stores.rot(body, in_copy=False)
    done = stores.restore(INBOX)
    assert (done.messages, done.kept) == (1, 0)
    assert (done.broken, done.broken_here) == ([2], [2, 3])


def test_what_is_here_more_often_is_kept() -> None:
    """Of equal messages as many come from the copy as it has; newer ones are kept.

    They have their flags of now. Done again, nothing is there twice.
    """
    stores = Stores()
    for _ in range(2):
        run(deliver(stores.account(), BODIES[0]), stores.process)
    run(stores.session().store({3}, Flag.FLAGGED, "keep"), stores.process)
    run(stores.session().store({1}, Flag.ANSWERED), stores.process)
    for _ in range(2):
        done = stores.restore(INBOX)
        assert (done.messages, done.kept) == (2, 2)
        assert stores.look().messages == (
            Message(1, 0, frozenset(), BODIES[0]),
            Message(2, Flag.FLAGGED, IMPORTANT, BODIES[1]),
            Message(3, Flag.FLAGGED, frozenset({"keep"}), BODIES[0]),
            Message(4, 0, frozenset(), BODIES[0]),
        )
