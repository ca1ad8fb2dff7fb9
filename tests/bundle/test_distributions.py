"""Distributions in a folder are those that importlib.metadata finds, each with its METADATA parsed once."""

from __future__ import annotations

import importlib.metadata
import sysconfig
from pathlib import Path

import pytest

from microlambda.bundle.distributions import distributions_in

SITE = Path(sysconfig.get_path("purelib"))


def test_they_are_what_importlib_finds() -> None:
    theirs = {one.name: one for one in importlib.metadata.distributions(path=[str(SITE)])}

    ours = {one.name: one for one in distributions_in(SITE)}

    assert ours.keys() == theirs.keys()
    assert len(ours) > 20
    for name, one in ours.items():
        assert (one.version, one.requires) == (theirs[name].version, theirs[name].requires)
        assert one.read_text("RECORD") == theirs[name].read_text("RECORD")


def test_its_metadata_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[str] = []
    read_text = importlib.metadata.PathDistribution.read_text

    def counting(self: importlib.metadata.PathDistribution, filename: str) -> str | None:
        reads.append(str(filename))
        return read_text(self, filename)

    monkeypatch.setattr(importlib.metadata.PathDistribution, "read_text", counting)
    one = distributions_in(SITE)[0]

    assert (one.name, one.version, one.name) == (one.metadata["Name"], one.metadata["Version"], one.name)
    assert reads == ["METADATA"]
