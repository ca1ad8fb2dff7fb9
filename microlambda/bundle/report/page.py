"""The report as a page by itself: nothing is loaded from elsewhere, and there is no script in it."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from microlambda.bundle.report.gauges import gauges
from microlambda.bundle.report.report import printable, shares, shown_size, shown_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from microlambda.bundle.code.import_times import ImportTime
    from microlambda.bundle.report.report import Report

#: What a browser is told not to do, whatever the page should come to hold.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2330; --dim: #5d6778; --page: #fff; --line: #dde2ea;
  --bar: #2f6fde; --over: #c62f3e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ef; --dim: #97a2b4; --page: #14181f;
  --line: #2c3440; --bar: #6a9cf5; --over: #f0717d; } }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: var(--ink); background: var(--page);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin-bottom: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
p { color: var(--dim); margin: 0; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .25rem 1rem .25rem 0; border-bottom: 1px solid var(--line);
  overflow-wrap: anywhere; }
th { color: var(--dim); font-weight: 500; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.chart { width: 40%; padding-right: 0; }
.bar { height: .7rem; min-width: 1px; border-radius: 2px; background: var(--bar); }
.over { background: var(--over); }
summary { cursor: pointer; overflow-wrap: anywhere; } details details, details .leaf { margin-left: 1.2rem; }
""".strip()

#: Modules that took less are not worth a line in the tree.
_SHORTEST = 1000  # microseconds
_DEEPEST = 12


def as_html(report: Report) -> str:
    """Write a report as a whole page."""
    title = _escape(f"{report.name}: what is in the bundle")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>\n{_STYLE}\n</style>\n</head>\n<body>\n"
        f"<h1>{_escape(report.name)}</h1>\n<p>for {_escape(report.target)}</p>\n"
        f"{''.join(_sections(report))}</body>\n</html>\n"
    )


def _sections(report: Report) -> Iterable[str]:
    yield _archives(report)
    if report.packages:
        rows = [(f"{row.name} {row.detail}".rstrip(), shown_size(row.size)) for row in report.packages]
        bars = shares([row.size for row in report.packages])
        yield _section("Packages", _table(("Package", "unpacked"), rows, bars))
    if report.removed:
        removed = [(row.name, row.detail, shown_size(row.size)) for row in report.removed]
        bars = shares([row.size for row in report.removed])
        yield _section("Left out of the dependencies", _table(("What", "files", "saved"), removed, bars))
    if report.trial is not None:
        yield _imports(report)
    if report.notes:
        notes = "".join(f"<li>{_escape(note)}</li>\n" for note in report.notes)
        yield _section("Notes", f"<ul>\n{notes}</ul>\n")


def _archives(report: Report) -> str:
    limits = gauges(report)
    bars = [one.share for one in limits]
    held = _table(("Limit of Lambda", "used"), [(one.what, one.text) for one in limits], bars)
    rows = [
        (
            row.name + (f" (only for {row.users})" if row.users else ""),
            *map(shown_size, (row.size, row.unpacked)),
        )
        for row in report.archives
    ]
    return _section("Archives", _table(("Archive", "zipped", "unpacked"), rows) + held)


def _imports(report: Report) -> str:
    summary = f"<p>{_escape(report.import_summary)}</p>\n" if report.import_summary else ""
    rows = [(one.module, shown_time(one.own), shown_time(one.total)) for one in report.modules]
    bars = shares([one.own for one in report.modules])
    table = _table(("Heaviest modules", "itself", "with its imports"), rows, bars) if rows else ""
    imports = report.trial.imports if report.trial is not None else ()
    tree = "".join(_branch(one, 1) for one in _by_total(imports))
    tree = (
        f"<details>\n<summary>All that takes a millisecond or more</summary>\n{tree}</details>\n"
        if tree
        else ""
    )
    return _section("Import of the app", summary + table + tree)


def _by_total(imports: Iterable[ImportTime]) -> list[ImportTime]:
    return sorted((one for one in imports if one.total >= _SHORTEST), key=lambda one: one.total, reverse=True)


def _branch(one: ImportTime, depth: int) -> str:
    line = f"{_escape(one.module)}: {shown_time(one.total)}"
    inner = "".join(_branch(below, depth + 1) for below in _by_total(one.imports)) if depth < _DEEPEST else ""
    if not inner:
        return f'<div class="leaf">{line}</div>\n'
    return f"<details>\n<summary>{line}</summary>\n{inner}</details>\n"


def _section(title: str, content: str) -> str:
    return f"<section>\n<h2>{_escape(title)}</h2>\n{content}</section>\n"


def _table(
    header: Sequence[str], rows: Sequence[Sequence[str]], shares: Sequence[float] | None = None
) -> str:
    """Write a table; all but the first column are numbers, and the last is a bar where shares are given."""
    first, *others = map(_escape, header)
    head = f"<th>{first}</th>" + "".join(f'<th class="number">{one}</th>' for one in others)
    lines = []
    for row, share in zip(rows, shares if shares is not None else [None] * len(rows), strict=True):
        name, *numbers = map(_escape, row)
        cells = f"<td>{name}</td>" + "".join(f'<td class="number">{one}</td>' for one in numbers)
        lines.append(f"<tr>{cells}{'' if share is None else _bar(share)}</tr>\n")
    head += "" if shares is None else '<th class="chart"></th>'
    return f"<table>\n<tr>{head}</tr>\n{''.join(lines)}</table>\n"


def _bar(share: float) -> str:
    over = " over" if share > 1 else ""
    return f'<td class="chart"><div class="bar{over}" style="width: {min(share, 1):.1%}"></div></td>'


def _escape(text: str) -> str:
    return html.escape(printable(text))
