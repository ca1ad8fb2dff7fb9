"""The documentation tells the truth: its Python runs, its links lead somewhere, its tables are complete."""

from __future__ import annotations

import functools
import inspect
import re
from pathlib import Path
from typing import Any

import pytest

import microlambda
from microlambda import App
from microlambda.cli.main import COMMANDS
from microlambda.project.keys import KEYS
from microlambda.runtime.events.base import Batch, Record, View
from microlambda.runtime.registration import EVENT_DECORATORS

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
EVERY_README = [*PAGES, *sorted((ROOT / "examples").rglob("README.md")), ROOT / "benchmarks" / "README.md"]

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path, language: str) -> list[str]:
    return [text for kind, text in _FENCE.findall(page.read_text()) if kind == language]


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")], ids=name_of)
def test_every_python_block_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The blocks of a page run one after the other in one module; what they define as tests is run, too.

    `from app import app` in a page means the App that the page made before.
    """
    monkeypatch.chdir(tmp_path)
    module: dict[str, Any] = {"__name__": "page"}
    for number, block in enumerate(blocks(page, "python"), 1):
        code = re.sub(r"^from app import app$", "", block, flags=re.MULTILINE)
        for app in [one for one in module.values() if isinstance(one, App)]:
            app.is_serving = False  # a page grows while it is read; each of its apps is meant to be whole
        exec(compile(code, f"{name_of(page)}[{number}]", "exec"), module)
        for test in [module.pop(name) for name in list(module) if name.startswith("test_")]:
            run_test(test, module)


def run_test(test: Any, module: dict[str, Any]) -> None:
    """Call a test, once for each set of its parameters; the plugin's client is that of the page's app."""
    if "microlambda_client" in inspect.signature(test).parameters:
        test = functools.partial(test, microlambda_client=module["app"].test_client())
    marks = [mark for mark in getattr(test, "pytestmark", ()) if mark.name == "parametrize"]
    for arguments in [{mark.args[0]: value} for mark in marks for value in mark.args[1]] or [{}]:
        test(**arguments)


@pytest.mark.parametrize("page", EVERY_README, ids=name_of)
def test_every_link_leads_to_a_file(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", re.sub(_FENCE, "", page.read_text()))

    missing = [target for target in targets if "://" not in target and not (page.parent / target).exists()]

    assert missing == []


def test_the_reference_lists_every_command_and_no_other() -> None:
    reference = (ROOT / "docs/reference/commands.md").read_text()

    headings = re.findall(r"^## `microlambda (\w+)", reference, re.MULTILINE)

    assert sorted(headings) == sorted(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_reference_lists_every_option_of_a_command(command: str) -> None:
    import importlib

    import click

    text = (ROOT / "docs/reference/commands.md").read_text()
    section = text.partition(f"## `microlambda {command}")[2].partition("\n## ")[0]
    parameters = importlib.import_module(f"microlambda.cli.{command}").command.params
    shown = [one for one in parameters if isinstance(one, click.Option) and not one.hidden]
    options = {max(one.opts, key=len) for one in shown}
    shared = {"--stage", "--profile", "--region", "--help"}

    missing = {option for option in options - shared if f"`{option}" not in section}

    assert missing == set()


def test_the_reference_lists_every_setting() -> None:
    text = (ROOT / "docs/reference/settings.md").read_text()

    assert {key for key in KEYS if f"`{key}`" not in text} == set()


VIEWS = {
    name: value
    for name, value in ((name, getattr(microlambda, name)) for name in microlambda.__all__)
    if isinstance(value, type) and issubclass(value, View)
}


@pytest.mark.parametrize("name", VIEWS)
def test_the_reference_lists_every_attribute_of_an_event(name: str) -> None:
    text = (ROOT / "docs/reference/events.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| `") and f"`{name}`" in line]
    common = {*dir(Batch), *dir(Record)}

    attributes = {one for one in dir(VIEWS[name]) if not one.startswith("_") and one not in common}

    assert {one for one in attributes if not re.search(rf"`{one}[`(]", " ".join(rows))} == set()


@pytest.mark.parametrize("decorator", EVENT_DECORATORS.split())
def test_the_reference_lists_every_keyword_of_a_decorator(decorator: str) -> None:
    text = (ROOT / "docs/reference/events.md").read_text().partition("## What a handler gets")[0]
    (row,) = [line for line in text.splitlines() if re.match(rf"\| .*`{decorator}[`(]", line)]
    keywords = set(inspect.signature(getattr(App, decorator)).parameters) - {"self", "name", "function"}
    short = {
        "async": {"retries", "maximum_age", "dead_letter_queue", "on_failure"},
        "batch": {"batch_size", "maximum_batching_window_in_seconds", "per_record"},
    }
    known = {one for word, words in short.items() if re.search(rf"\b{word}\b", row) for one in words}

    assert {one for one in keywords - known if not re.search(rf"\b{one}\b", row)} == set()


def test_ci_runs_the_readmes_test_command() -> None:
    commands = [block.strip() for block in blocks(ROOT / "README.md", "console")]
    (test_command,) = [one for one in commands if one.endswith("pytest") and "pip install" in one]

    assert test_command in (ROOT / ".ci" / "run").read_text().splitlines()
