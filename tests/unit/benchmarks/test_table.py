"""What the table of a benchmark says."""

from benchmarks.table import ROWS, table


def figures(factor: float) -> dict[str, dict[str, float]]:
    """All figures of one run, each of them 10 times ``factor``."""
    made: dict[str, dict[str, float]] = {}
    for row in ROWS:
        name, figure = row.figure
        made.setdefault(name, {})[figure] = 10 * factor
    return made


def test_a_ratio_above_one_is_better() -> None:
    """Twice the rate is 2, twice the cost is 0.5, and the median run counts."""
    runs = {
        "dovecot": [figures(1), figures(1), figures(99)],
        "imapbox": [figures(2), figures(0), figures(2)],
    }
    lines = table(runs, baseline="dovecot").splitlines()
    assert lines[0] == "| | unit | dovecot | imapbox | imapbox : dovecot |"
    for row, line in zip(ROWS, lines[2:], strict=True):
        ratio = ("2.00" if row.more_is_better else "0.50") if row.compared else "-"
        assert line == f"| {row.title} | {row.unit} | 10 | 20 | {ratio} |"


def test_what_was_not_measured_is_not_invented() -> None:
    """A figure that no run has is a dash."""
    lines = table({"imapbox": [{}]}, baseline="dovecot").splitlines()
    assert all(line.endswith("| - |") for line in lines[2:])
