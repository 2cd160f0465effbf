"""How many descriptors a process may have: each connection costs one."""

import resource
from typing import Final

# For the store's files, threads, pipes, and what others open besides.
KEPT: Final = 500


def connections_that_fit() -> int:
    """Let this process have as many descriptors as it may.

    Returns:
        How many connections leave room for all else.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return max(hard - KEPT, hard // 2)
