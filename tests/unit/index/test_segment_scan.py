"""Reading what is left of a segment."""

from hypothesis import given
from hypothesis import strategies as st

from imapbox.disk.filesystem import Mode
from imapbox.index.segment_scan import read_readable
from tests.simulation.disk import SimulatedDisk, run
from tests.support.bad_block import BLOCK, let_block_go_bad

SIZE = 6 * BLOCK + 100
places = st.integers(0, SIZE + 10)


@given(st.sets(st.integers(0, 6)), places, places)
def test_what_can_not_be_read_is_zeros(bad: set[int], offset: int, size: int) -> None:
    """All is there but the bad blocks, whether the disk says so or returns less."""
    whole = bytes(1 + n % 255 for n in range(SIZE))
    files = SimulatedDisk().process(1)
    fd = files.open("log.1", Mode.CREATE)
    files.pwrite(fd, whole, 0)
    for block in bad:
        let_block_go_bad(files, "log.1", block * BLOCK)
    wanted = bytes(
        0 if at // BLOCK in bad else octet
        for at, octet in enumerate(whole[offset : offset + size], start=offset)
    )
    fd = files.open("log.1", Mode.READ)
    assert run(read_readable(fd, size, offset), files) == wanted
