"""CloudWatch Logs' filter patterns: which lines match one.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html and the pages beneath.
A pattern is of terms (`ERROR -exit`, `?ERROR ?WARN`, `"two words"`, `%[0-9]+%`), of JSON
(`{ $.status >= 500 && $.user IS NULL }`) or of fields apart by blanks (`[ip, ..., status = 4*, bytes]`).
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Sequence
from fnmatch import translate
from typing import Any

Matches = Callable[[str], bool]
#: Whether what stands at a place (text, a number, a truth value) is as a condition says.
Holds = Callable[[Any], bool]

_ORDERED = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_TERM = re.compile(r'([-?]?)("(?:[^"\\]|\\.)*"|%(?:[^%\\]|\\.)+%|[^\s"]+)')
_FIELD = re.compile(r'"((?:[^"\\]|\\.)*)"|\[([^\]]*)\]|(\S+)')
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_TOKEN = re.compile(
    r"""\s*(?:
        (?P<selector>\$(?:\.[\w-]+|\.?\[(?:\d+|\*|'[^']*'|"[^"]*")\])*)
        | (?P<mark>&&|\|\||\(|\))
        | (?P<operator><=|>=|!=|=|<|>)
        | (?P<text>"(?:[^"\\]|\\.)*")
        | (?P<regex>%(?:[^%\\]|\\.)+%)
        | (?P<word>[^\s()&|=<>!"]+)
    )""",
    re.VERBOSE,
)
_STEP = re.compile(r"""\.([\w-]+)|\.?\[(?:(\d+)|(\*)|'([^']*)'|"([^"]*)")\]""")
_CONDITION = re.compile(
    r"\s*(?P<name>[\w-]+)\s*(?:(?P<operator><=|>=|!=|=|<|>)\s*(?P<value>.+?))?\s*", re.DOTALL
)


class BadPattern(ValueError):
    """A pattern that CloudWatch Logs refuses."""


def compiled(pattern: str) -> Matches:
    """Give what tells whether a line matches; `BadPattern` where the pattern is none."""
    text = pattern.strip()
    if not text:
        return lambda _line: True
    if text.startswith("{"):
        return _of_json(text)
    return _of_fields(text) if text.startswith("[") else _of_terms(text)


def _of_terms(text: str) -> Matches:
    """All terms, none of those with `-`; or any of those with `?`, which count where there are no others."""
    found = [(mark, _term(term)) for mark, term in _TERM.findall(text)]
    wanted = [one for mark, one in found if not mark]
    unwanted = [one for mark, one in found if mark == "-"]
    optional = [one for mark, one in found if mark == "?"]
    if optional and not wanted and not unwanted:
        return lambda line: any(one(line) for one in optional)
    return lambda line: all(one(line) for one in wanted) and not any(one(line) for one in unwanted)


def _term(term: str) -> Matches:
    if term.startswith("%") and term.endswith("%") and len(term) > 1:
        search = _regex(term).search
        return lambda line: search(line) is not None
    wanted = _unquoted(term)
    return lambda line: wanted in line


def _of_fields(text: str) -> Matches:
    """As many fields as the line has; `...` stands for any number of them."""
    if not text.endswith("]"):
        raise BadPattern(f"{text!r} has no ']' at its end.")
    wanted = [part.strip() for part in _split(text[1:-1])]
    if wanted.count("...") > 1:
        raise BadPattern(f"{text!r} has more than one '...'.")
    holds = [None if one == "..." else _field(one) for one in wanted]
    gap = holds.index(None) if None in holds else None
    checks = [one for one in holds if one is not None]

    def matches(line: str) -> bool:
        fields = ["".join(found) for found in _FIELD.findall(line.strip())]
        if len(fields) < len(checks) or (gap is None and len(fields) > len(checks)):
            return False
        if gap is not None:
            fields = [*fields[:gap], *fields[len(fields) - (len(checks) - gap) :]]
        return all(check(field) for check, field in zip(checks, fields, strict=True))

    return matches


def _split(text: str) -> list[str]:
    """Split at the commas that stand neither in quotation marks nor in a regular expression."""
    return re.findall(r'((?:[^,"%]|"(?:[^"\\]|\\.)*"|%(?:[^%\\]|\\.)*%)+)', text)


def _field(text: str) -> Holds:
    """Read `name`, or conditions of it: `w = ERROR || w = WARN`."""
    alternatives = [[_condition(one) for one in part.split("&&")] for part in text.split("||")]
    return lambda value: any(all(holds(value) for holds in part) for part in alternatives)


def _condition(text: str) -> Holds:
    found = _CONDITION.fullmatch(text)
    if found is None:
        raise BadPattern(f"{text.strip()!r} is neither a field's name nor a condition of it.")
    if found["operator"] is None:
        return lambda _value: True
    return _comparison(found["operator"], found["value"])


def _comparison(sign: str, literal: str) -> Holds:
    """Give the condition `sign literal`; order is of numbers alone, and `*` stands for anything."""
    if sign in _ORDERED:
        compare, bound = _ORDERED[sign], _number(literal)
        if bound is None:
            raise BadPattern(f"{sign} {literal}: only numbers have an order.")
        return lambda value: (number := _number(value)) is not None and bool(compare(number, bound))
    equals = _equality(literal)
    return equals if sign == "=" else lambda value: not equals(value)


def _equality(literal: str) -> Holds:
    if literal.startswith("%") and literal.endswith("%") and len(literal) > 1:
        search = _regex(literal).search
        return lambda value: search(_written(value)) is not None
    number = None if literal.startswith('"') else _number(literal)
    wanted = re.compile(translate(_unquoted(literal).replace("[", "[[]").replace("?", "[?]")))

    def equals(value: Any) -> bool:
        if number is not None and (given := _number(value)) is not None:
            return given == number
        return wanted.fullmatch(_written(value)) is not None

    return equals


class _Json:
    """The parser of what stands between `{` and `}`."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)

    def parsed(self) -> Callable[[Any], bool]:
        """Read all of it."""
        found = self._any()
        if self._tokens:
            raise BadPattern(f"{self._text!r} goes on with {self._tokens[0][1]!r} where it should end.")
        return found

    def _any(self) -> Callable[[Any], bool]:
        parts = [self._all()]
        while self._takes("||"):
            parts.append(self._all())
        return lambda document: any(part(document) for part in parts)

    def _all(self) -> Callable[[Any], bool]:
        parts = [self._one()]
        while self._takes("&&"):
            parts.append(self._one())
        return lambda document: all(part(document) for part in parts)

    def _one(self) -> Callable[[Any], bool]:
        if self._takes("("):
            found = self._any()
            if not self._takes(")"):
                raise BadPattern(f"{self._text!r} lacks a ')'.")
            return found
        selector = self._next("selector")
        kind, text = self._tokens[0] if self._tokens else ("", "")
        if kind == "word" and text.upper() == "NOT":
            self._words("NOT", "EXISTS")
            return lambda document: not _selected(document, selector)
        holds = self._is() if kind == "word" else self._compared()
        return lambda document: any(holds(value) for value in _selected(document, selector))

    def _is(self) -> Holds:
        """Read IS NULL, IS TRUE or IS FALSE."""
        self._words("IS")
        word = self._next("word").upper()
        if word not in ("NULL", "TRUE", "FALSE"):
            raise BadPattern(f"{self._text!r}: after IS stand NULL, TRUE and FALSE.")
        wanted = {"NULL": None, "TRUE": True, "FALSE": False}[word]
        return lambda value: value is wanted

    def _compared(self) -> Holds:
        sign = self._next("operator")
        holds = _comparison(sign, self._next("text", "regex", "word"))
        return lambda value: not isinstance(value, dict | list) and value is not None and holds(value)

    def _takes(self, mark: str) -> bool:
        if self._tokens and self._tokens[0] == ("mark", mark):
            self._tokens.pop(0)
            return True
        return False

    def _next(self, *kinds: str) -> str:
        if not self._tokens or self._tokens[0][0] not in kinds:
            there = repr(self._tokens[0][1]) if self._tokens else "the end"
            raise BadPattern(f"{self._text!r} has {there} where a {kinds[0]} should stand.")
        return self._tokens.pop(0)[1]

    def _words(self, *words: str) -> None:
        for word in words:
            if self._next("word").upper() != word:
                raise BadPattern(f"{self._text!r} lacks the word {word}.")


def _of_json(text: str) -> Matches:
    if not text.endswith("}"):
        raise BadPattern(f"{text!r} has no '}}' at its end.")
    holds = _Json(text[1:-1]).parsed()

    def matches(line: str) -> bool:
        try:
            document = json.loads(line)
        except ValueError:
            return False
        return isinstance(document, dict | list) and holds(document)

    return matches


def _tokens(text: str) -> list[tuple[str, str]]:
    found, place = [], 0
    text = text.rstrip()
    while place < len(text):
        token = _TOKEN.match(text, place)
        if token is None:
            raise BadPattern(f"{text!r} cannot be read from {text[place:].strip()!r} on.")
        found.append((str(token.lastgroup), token[str(token.lastgroup)]))
        place = token.end()
    return found


def _selected(document: Any, selector: str) -> list[Any]:
    """Give what stands at a place such as `$.users[*].name`: nothing, one thing, or one of each element."""
    values: Sequence[Any] = [document]
    for name, index, every, single, double in _STEP.findall(selector):
        if every:
            values = [one for value in values if isinstance(value, list) for one in value]
        elif index:
            values = [v[int(index)] for v in values if isinstance(v, list) and int(index) < len(v)]
        else:
            key = name or single or double
            values = [value[key] for value in values if isinstance(value, dict) and key in value]
    return list(values)


def _regex(term: str) -> re.Pattern[str]:
    try:
        return re.compile(term[1:-1])
    except re.error as exc:
        raise BadPattern(f"{term} is no regular expression: {exc}.") from exc


def _unquoted(term: str) -> str:
    quoted = term.startswith('"') and term.endswith('"') and len(term) > 1
    return re.sub(r"\\(.)", r"\1", term[1:-1]) if quoted else term


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    return float(value) if not isinstance(value, str) or _NUMBER.fullmatch(value.strip()) else None


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
