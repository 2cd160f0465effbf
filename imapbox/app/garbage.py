"""What Python's garbage collector looks at."""

import gc


def leave_out_what_stays() -> None:
    """Let the collector look at nothing of what there is now.

    A process that serves has 74,000 objects of modules, and a collection of all
    looked at them for 40 ms, in which nobody was served; they go when it ends. What
    comes from now on, connections and mailboxes, is looked at as ever.
    """
    gc.collect()
    gc.freeze()
