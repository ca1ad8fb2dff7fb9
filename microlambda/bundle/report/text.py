"""The report in a terminal: tables and bars, as wide as it is; plain where colours are not to be had."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from microlambda.bundle.report.gauges import gauges
from microlambda.bundle.report.report import printable, shares, shown_size, shown_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.console import Console

    from microlambda.bundle.report.report import Report

_BAR = 30  # columns at most; in a narrow terminal less
_NARROW = 60


def as_text(report: Report, console: Console) -> None:
    """Print a report."""
    console.print(_plain(f"{report.name} for {report.target}"), style="bold")
    for part in _parts(report, with_bars=console.width >= _NARROW):
        console.print()
        console.print(part)


def _parts(report: Report, *, with_bars: bool) -> Iterator[Table | Text]:
    yield _archives(report)
    limits = gauges(report)
    rows = [(one.what, one.text) for one in limits]
    yield _table(("Limit", "used"), rows, bars=with_bars and [one.share for one in limits])
    if report.packages:
        rows = [(f"{row.name} {row.detail}".rstrip(), shown_size(row.size)) for row in report.packages]
        bars = shares([row.size for row in report.packages])
        yield _table(("Package", "unpacked"), rows, right=(1,), bars=with_bars and bars)
    if report.removed:
        removed = [(row.name, row.detail, shown_size(row.size)) for row in report.removed]
        yield _table(("Left out of dependencies", "files", "saved"), removed, right=(1, 2))
    if report.modules:
        modules = [(one.module, shown_time(one.own), shown_time(one.total)) for one in report.modules]
        bars = shares([one.own for one in report.modules])
        if report.import_summary:
            yield _plain(f"Import of the app: {report.import_summary}")
        header = ("Module", "itself", "with its imports")
        yield _table(header, modules, right=(1, 2), bars=with_bars and bars)
    if report.notes:
        yield Text("\n").join(_plain(f"Note: {note}") for note in report.notes)


def _archives(report: Report) -> Table:
    rows = [(row.name, shown_size(row.size), shown_size(row.unpacked), row.users) for row in report.archives]
    width = 4 if any(row.users for row in report.archives) else 3
    header = ("Archive", "zipped", "unpacked", "only for")
    return _table(header[:width], [row[:width] for row in rows], right=(1, 2))


def _table(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    right: Sequence[int] = (),
    bars: Sequence[float] | bool = False,
) -> Table:
    """Make a table; `right` are the columns of numbers, and `bars` the share that each row's bar has."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, name in enumerate(header):
        justify = "right" if number in right else "left"
        table.add_column(_plain(name), justify=justify, overflow="fold", no_wrap=number in right)  # type: ignore[arg-type]
    if isinstance(bars, bool):
        for row in rows:
            table.add_row(*map(_plain, row))
        return table
    table.add_column("", width=_BAR)
    for row, share in zip(rows, bars, strict=True):
        style = "red" if share > 1 else "cyan"
        bar = ProgressBar(total=1, completed=min(share, 1), complete_style=style, finished_style=style)
        table.add_row(*map(_plain, row), bar)
    return table


def _plain(text: str) -> Text:
    """Take text as it is: what stands in brackets is no markup."""
    return Text(printable(text))
