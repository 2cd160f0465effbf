"""Numbers of messages as clients name them: ``1,3:5,7:*``.

A set is never enumerated: ``1:4294967295`` is two numbers.

See Also:
    RFC 9051 §9 (sequence-set); `wire.imap.sequence_set` reads them.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class SequenceSet:
    """Numbers a client named, as it named them; None stands for "*"."""

    ranges: tuple[tuple[int | None, int | None], ...]

    def resolve(self, largest: int) -> tuple[range, ...]:
        """Say which numbers are meant, "*" being ``largest``.

        "5:2" means "2:5", and "*" names the last message even when the other
        end is beyond it (RFC 9051 §9, seq-range). Where ``largest`` is 0, "*"
        is 0 too, which is nobody's number.

        Returns:
            Ascending ranges that neither touch nor overlap. They may reach
            beyond ``largest``: the caller meets them with what is there.
        """
        ends = sorted(
            sorted((largest if a is None else a, largest if b is None else b))
            for a, b in self.ranges
        )
        merged: list[range] = []
        for low, high in ends:
            if merged and low <= merged[-1].stop:
                stop = max(high + 1, merged[-1].stop)
                merged[-1] = range(merged[-1].start, stop)
            else:
                merged.append(range(low, high + 1))
        return tuple(merged)


# "$": the messages that the last SEARCH saved. RFC 5182 §2.1. No other set has
# no numbers.
SAVED: Final = SequenceSet(())
