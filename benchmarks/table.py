"""The table of a benchmark: medians over the runs, and who is ahead."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    Attributes:
        title: What the reader sees.
        unit: Of the figures.
        figure: Where it is in what `benchmarks.measure.measure` returns.
        more_is_better: As with rates.
        compared: Whether a ratio makes sense.
    """

    title: str
    unit: str
    figure: tuple[str, str]
    more_is_better: bool = False
    compared: bool = True


def _delivery_rows() -> Iterable[Row]:
    for connections in (1, 8):
        for users in (1, 50):
            what = f"{connections} connection{'s' * (connections > 1)}"
            what += f", {users} user{'s' * (users > 1)}"
            cell = f"deliver {connections}x{users}"
            yield Row(f"deliveries, {what}", "/s", (cell, "rate"), more_is_better=True)
            yield Row(f"CPU of a delivery, {what}", "ms", (cell, "cpu"))


_COMMANDS: Final = {
    "login": "LOGIN and LOGOUT",
    "select": "SELECT of 100,000",
    "resync": "SELECT with QRESYNC of 100,000, 100 changed",
    "fetch envelope": "FETCH 1:* ENVELOPE of 10,000",
    "fetch bodystructure": "FETCH 1:* BODYSTRUCTURE",
    "fetch header": "FETCH 1:* of three header fields",
    "download": "FETCH 1:* BODY.PEEK[]",
    "search unseen": "SEARCH UNSEEN",
    "search subject": "SEARCH SUBJECT",
    "search text": "SEARCH TEXT",
    "index": "making a full-text index of 2,000",
    "search index": "full-text SEARCH of two words",
    "index new": "the same, 100 new messages not yet indexed",
    "sort subject": "SORT (SUBJECT) of 10,000",
    "sort date": "SORT (REVERSE DATE) of 10,000",
    "thread": "THREAD REFERENCES of 10,000",
    "store all": "STORE 1:*",
    "store one": "STORE of one",
    "list status": "LIST with STATUS of 1,000",
    "append": "APPEND",
    "copy": "COPY 1:*",
    "expunge": "EXPUNGE of 10,000",
}


def _command_rows() -> Iterable[Row]:
    for name, title in _COMMANDS.items():
        yield Row(title, "ms", (name, "wall"))
        yield Row(f"CPU of {title}", "ms", (name, "cpu"))


ROWS: Final = (
    *_delivery_rows(),
    Row("syncs of a delivery, 1 connection", "", ("syncs 1x1", "all")),
    Row("syncs of a delivery, 8 connections", "", ("syncs 8x1", "all")),
    # Either may be negative (EXISTS before the 250): no ratio.
    Row("250 to EXISTS, median", "ms", ("exists", "median"), compared=False),
    Row("250 to EXISTS, 95 %", "ms", ("exists", "p95"), compared=False),
    Row("NOOPs, 1 connection", "/s", ("noop 1", "rate"), more_is_better=True),
    Row("CPU of a NOOP, 1 connection", "µs", ("noop 1", "cpu")),
    Row("NOOPs, 50 connections", "/s", ("noop many", "rate"), more_is_better=True),
    Row("CPU of a NOOP, 50 connections", "µs", ("noop many", "cpu")),
    Row("FETCH 1:* FLAGS of 10,000", "ms", ("fetch flags", "wall")),
    Row("CPU of FETCH 1:* FLAGS", "ms", ("fetch flags", "cpu")),
    *_command_rows(),
    Row("memory of an idle client (PSS)", "KiB", ("idle", "each")),
    Row("memory at rest (PSS)", "KiB", ("idle", "rest")),
    Row("memory with 200 idle clients (PSS)", "KiB", ("idle", "busy")),
    Row("memory after all this (PSS)", "KiB", ("end", "pss")),
)


def median_of(runs: Sequence[Mapping[str, Any]], row: Row) -> float | None:
    """Return the median of ``row`` over ``runs``, or None if none has it."""
    name, figure = row.figure
    values = [run[name][figure] for run in runs if figure in run.get(name, ())]
    return statistics.median(values) if values else None


def table(runs: Mapping[str, Sequence[Mapping[str, Any]]], *, baseline: str) -> str:
    """Return the table as Markdown.

    Args:
        runs: For each server, in the order of the columns, its runs' figures.
        baseline: The server that the others are compared with. A ratio above 1
            says that the other one is better, whatever the unit.
    """
    others = [server for server in runs if server != baseline]
    columns = [*runs, *(f"{server} : {baseline}" for server in others)]
    if baseline not in runs:
        columns, others = list(runs), []
    lines = [
        "| | unit | " + " | ".join(columns) + " |",
        "|---|---|" + "---:|" * len(columns),
    ]
    for row in ROWS:
        medians = {server: median_of(figures, row) for server, figures in runs.items()}
        cells = [_figure(medians[server]) for server in runs]
        cells += [_ratio(row, medians[server], medians[baseline]) for server in others]
        lines.append(f"| {row.title} | {row.unit} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _figure(value: float | None) -> str:
    if value is None:
        return "-"
    if abs(value) >= 100:  # noqa: PLR2004 - three digits are what a run repeats
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _ratio(row: Row, ours: float | None, theirs: float | None) -> str:
    if not row.compared or not ours or not theirs:
        return "-"
    ratio = ours / theirs if row.more_is_better else theirs / ours
    return f"{ratio:.2f}"
