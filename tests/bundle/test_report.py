"""The report, drawn in a terminal and written as a page."""

from __future__ import annotations

import io
from html.parser import HTMLParser
from pathlib import Path

import pytest
from rich.console import Console

from microlambda.bundle.code.import_times import ImportTime
from microlambda.bundle.code.trial import Trial
from microlambda.bundle.parts import Bundle, Part
from microlambda.bundle.report.page import as_html
from microlambda.bundle.report.report import Report, shown_size
from microlambda.bundle.report.text import as_text
from microlambda.bundle.slim.account import Package, Removed
from microlambda.project.pieces import FunctionPieces, Piece, Pieces

MB = 1024 * 1024
HOSTILE = "<script>alert('[red]x[/red]')</script>&\x1b[31m"

#: Elements without an end.
VOID = {"meta", "br", "hr", "link", "img", "input"}


def bundle(*parts: Part, removed: tuple[Removed, ...] = (), notes: tuple[str, ...] = ()) -> Bundle:
    common = FunctionPieces(code=Piece(key="code", inputs="0"))
    return Bundle(parts=parts, pieces=Pieces(common=common), removed=removed, notes=notes)


def code(size: int = MB, unpacked: int = 3 * MB) -> Part:
    return Part(key="code", archive=Path("build/shop.zip"), size=size, unpacked_size=unpacked)


def layer(*packages: Package, name: str = "shop-layer.zip", functions: tuple[str, ...] = ()) -> Part:
    unpacked = sum(one.size for one in packages)
    return Part(
        key=name, archive=Path("build") / name, size=unpacked // 3, unpacked_size=unpacked,
        is_layer=True, packages=packages, functions=functions,
    )  # fmt: skip


def package(name: str, size: int) -> Package:
    return Package(name=name, version="1.2", size=size)


TRIAL = Trial(
    seconds=0.25,
    imports=(
        ImportTime(
            module="pandas", own=30_000, total=200_000,
            imports=(ImportTime(module="numpy", own=170_000, total=170_000),),
        ),
        ImportTime(module="tiny", own=90, total=90),
    ),
)  # fmt: skip


@pytest.fixture
def report() -> Report:
    made = bundle(
        code(),
        layer(package("numpy", 40 * MB), package("six", 30_000)),
        removed=(Removed(what="tests", files=120, size=5 * MB), Removed(what="headers", files=1, size=900)),
        notes=("left alone: data.json",),
    )
    return Report.of(made, name="shop", target="python3.13 on arm64", trial=TRIAL)


def text(report: Report, width: int = 100, *, terminal: bool = False) -> str:
    output = io.StringIO()
    colours = "standard" if terminal else "auto"
    as_text(report, Console(file=output, width=width, force_terminal=terminal, color_system=colours))  # type: ignore[arg-type]
    return output.getvalue()


class Page(HTMLParser):
    """What a browser would make of it; elements that are not closed, or not theirs to close, fail."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words += data

    def bars(self) -> list[str]:
        return [
            str(at["style"]) for tag, at in self.elements if tag == "div" and "bar" in str(at.get("class"))
        ]


def test_the_terminal_shows_archives_limits_packages_what_went_and_the_time_of_imports(
    report: Report,
) -> None:
    lines = [" ".join(line.replace("━", "").split()) for line in text(report).splitlines()]

    for line in (
        "shop for python3.13 on arm64",
        "shop.zip 1.0 MB 3.0 MB",
        "shop-layer.zip 13.3 MB 40.0 MB",
        "largest archive, for a direct upload 13.3 MB of 50 MB",
        "code and layers, unpacked 43.0 MB of 250 MB",
        "numpy 1.2 40.0 MB",
        "six 1.2 29 kB",
        "tests 120 files 5.0 MB",
        "headers 1 file 900 B",
        "numpy 170.0 ms 170.0 ms",
        "pandas 30.0 ms 200.0 ms",
        "Note: left alone: data.json",
    ):
        assert line in lines
    assert any("250 ms on this machine, 3 modules" in line for line in lines)


def test_bars_are_as_long_as_their_shares(report: Report) -> None:
    lengths = {line.split()[0]: line.count("━") for line in text(report).splitlines() if line.strip()}

    assert lengths["numpy"] > 5 * max(1, lengths["pandas"]) > 0
    assert lengths["tests"] == 0


@pytest.mark.parametrize("width", [30, 59, 60, 80, 200])
def test_no_line_is_wider_than_the_terminal(report: Report, width: int) -> None:
    assert max(map(len, text(report, width).splitlines())) <= width


def test_colours_are_for_terminals_only(report: Report) -> None:
    assert "\x1b[" not in text(report)
    assert "\x1b[36m" in text(report, terminal=True)


def test_the_page_tells_the_same_and_loads_nothing(report: Report) -> None:
    page = Page(as_html(report))

    for words in (
        "shop-layer.zip",
        "43.0 MB of 250 MB",
        "numpy 1.2",
        "120 files",
        "pandas: 200.0 ms",
        "data.json",
    ):
        assert words in page.words
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in page.elements}
    assert not [at for _, at in page.elements if {"src", "href", "onclick"} & at.keys()]
    assert page.bars()[:4] == ["width: 26.7%", "width: 17.2%", "width: 100.0%", "width: 0.1%"]
    assert "prefers-color-scheme: dark" in as_html(report)


def test_names_are_shown_as_they_are(report: Report) -> None:
    made = bundle(
        layer(package(HOSTILE, MB), name=f"{HOSTILE.replace('/', '')}.zip", functions=(HOSTILE,)),
        removed=(Removed(what=HOSTILE, files=2, size=3),),
        notes=(HOSTILE,),
    )
    trial = Trial(seconds=1.0, imports=(ImportTime(module=HOSTILE, own=5000, total=5000),), problem=HOSTILE)
    hostile = Report.of(made, name=HOSTILE, target=HOSTILE, trial=trial)

    page, printed = Page(as_html(hostile)), text(hostile, 400)

    assert {tag for tag, _ in page.elements} <= {tag for tag, _ in Page(as_html(report)).elements}
    assert page.words.count("<script>alert('[red]x[/red]')</script>&") >= 7
    assert printed.count("alert('[red]x[/red]')") >= 7
    assert "\x1b" not in printed


def test_what_is_over_a_limit_stands_out() -> None:
    report = Report.of(bundle(code(size=60 * MB, unpacked=300 * MB)), name="shop", target="x")

    assert text(report, terminal=True).count("\x1b[31m━") == 2
    assert as_html(report).count('class="bar over" style="width: 100.0%"') == 2


def test_functions_with_layers_of_their_own_do_not_count_for_all() -> None:
    made = bundle(code(), layer(package("numpy", 40 * MB), functions=("nightly",)))

    report = Report.of(made, name="shop", target="x")

    assert "3.0 MB of 250 MB" in text(report)
    assert "nightly" in text(report)


def test_of_many_packages_the_largest_are_shown_and_the_rest_is_summed_up() -> None:
    made = bundle(layer(*(package(f"p{number}", MB * (20 - number)) for number in range(20))))

    rows = Report.of(made, name="shop", target="x").packages

    assert [rows[0].name, rows[14].name, rows[15].name] == ["p0", "p14", "5 packages more"]
    assert rows[15].size == sum(range(1, 6)) * MB


def test_a_bundle_of_nothing_but_code_has_a_short_report() -> None:
    report = Report.of(bundle(code()), name="shop", target="x")

    assert "Package" not in text(report)
    assert "Import" not in as_html(report)
    Page(as_html(report))


def test_an_import_that_failed_is_a_note() -> None:
    report = Report.of(bundle(code()), name="shop", target="x", trial=Trial(problem="it was not tried"))

    assert "Note: it was not tried" in text(report)
    assert "<li>it was not tried</li>" in as_html(report)


@pytest.mark.parametrize(
    ("size", "shown"), [(0, "0 B"), (1023, "1023 B"), (1024, "1 kB"), (99_000, "97 kB"), (MB // 2, "0.5 MB")]
)
def test_sizes_are_written_for_people(size: int, shown: str) -> None:
    assert shown_size(size) == shown
