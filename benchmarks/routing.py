"""Registering, building and matching 5,000 rules, beside Werkzeug, with the garbage collector as it is."""

from __future__ import annotations

import random
import statistics
from multiprocessing import get_context
from time import perf_counter_ns
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from werkzeug.routing import Map
from werkzeug.routing import Rule as TheirRule

from microlambda.runtime.routing.rule import Rule
from microlambda.runtime.routing.table import RouteTable

if TYPE_CHECKING:
    from collections.abc import Callable

RULES = 5_000
ROUNDS = 5
WORDS = [
    "account",
    "order",
    "item",
    "user",
    "report",
    "invoice",
    "part",
    "note",
    "photo",
    "team",
    "role",
    "tag",
]


def rules() -> list[str]:
    """Rules of up to 6 segments and 2 captures, the same at each run."""
    chance = random.Random(20)
    made: dict[str, str] = {}  # by what it matches, whatever the captures are called
    while len(made) < RULES:
        segments = [f"{chance.choice(WORDS)}{chance.randrange(60)}" for _ in range(chance.randint(1, 6))]
        for name in ("one", "two")[: chance.randint(0, 2)]:
            kind = chance.choice(["", "", "int:"])
            segments[chance.randrange(len(segments))] = f"<{kind}{name}>"
        rule = "/" + "/".join(segments)
        made.setdefault(rule.replace("two", "one"), rule)
    return list(made.values())


def view(one: str = "", two: str = "") -> None: ...


def elapsed(work: Callable[[], object]) -> float:
    """Milliseconds."""
    start = perf_counter_ns()
    work()
    return (perf_counter_ns() - start) / 1e6


def median_match(match: Callable[[str], object], paths: list[str]) -> float:
    """Microseconds, the median over all paths of the best of 5."""
    best = [float("inf")] * len(paths)
    for _ in range(5):
        for number, path in enumerate(paths):
            start = perf_counter_ns()
            match(path)
            best[number] = min(best[number], perf_counter_ns() - start)
    return statistics.median(best) / 1e3


def ours(texts: list[str], paths: list[str]) -> tuple[float, float, float]:
    """Registering, the first match and a later one; the tree grows while rules are registered."""
    table = RouteTable()

    def register() -> None:
        for number, text in enumerate(texts):
            table.add(Rule(text, view, endpoint=str(number)))

    return (
        elapsed(register),
        elapsed(lambda: table.match(paths[0], "GET")),
        median_match(lambda path: table.match(path, "GET"), paths),
    )


def theirs(texts: list[str], paths: list[str]) -> tuple[float, float, float]:
    """The same in Werkzeug, which sorts its tree at the first match."""
    url_map = Map()
    adapter = url_map.bind("localhost")

    def register() -> None:
        for number, text in enumerate(texts):
            url_map.add(TheirRule(text, methods=["GET"], endpoint=str(number)))

    return (
        elapsed(register),
        elapsed(lambda: adapter.match(paths[0], "GET")),
        median_match(lambda path: adapter.match(path, "GET"), paths),
    )


def main() -> None:
    texts = rules()
    paths = [
        text.replace("<int:one>", "41").replace("<int:two>", "42").replace("<one>", "x").replace("<two>", "y")
        for text in texts
    ]
    shown = Table(title=f"{RULES:,} rules of up to 6 segments and 2 captures (medians of {ROUNDS} rounds)")
    for column in ("", "registering, ms", "building, at the first match, ms", "one match, us"):
        shown.add_column(column, justify="right" if column else "left")
    for name, contender in (("microlambda", ours), ("Werkzeug", theirs)):
        # Each round in a process of its own: a table is registered once, in a new environment.
        with get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
            rounds = [pool.apply(contender, (texts, paths)) for _ in range(ROUNDS)]
        registering, building, matching = (
            statistics.median(figures) for figures in zip(*rounds, strict=True)
        )
        shown.add_row(name, f"{registering:.0f}", f"{building:.2f}", f"{matching:.2f}")
    Console().print(shown)


if __name__ == "__main__":
    main()
