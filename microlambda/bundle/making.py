"""Making the dependencies of a bundle: resolved, cut down, compiled, packed, and kept."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from microlambda.bundle.dependencies import read_kept
from microlambda.bundle.earlier import EarlierArchives
from microlambda.bundle.inputs.requirement_lines import OURS
from microlambda.bundle.interpreter import missing_note, provide_interpreter
from microlambda.bundle.pack import make_archive
from microlambda.bundle.resolving.programs import find_resolver
from microlambda.bundle.resolving.resolver import Request, resolved
from microlambda.bundle.resolving.sources import with_names
from microlambda.bundle.slim.slimming import slim

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from microlambda.bundle.dependencies import Dependencies, Wanted
    from microlambda.bundle.pack import ArchiveFacts
    from microlambda.bundle.resolving.resolver import Resolver
    from microlambda.bundle.store import Store


@dataclass(frozen=True, kw_only=True)
class Making:
    """What is wanted, and what it is made with; without an interpreter there is no bytecode."""

    wanted: Wanted
    store: Store
    resolver: Resolver
    interpreter: str | None
    say: Callable[[str], None]

    @classmethod
    def of(cls, wanted: Wanted, store: Store, *, resolver: str | None, say: Callable[[str], None]) -> Making:
        """Find the resolver of this name, or the best there is, and an interpreter of the target."""
        with ThreadPoolExecutor(1) as pool:  # each starts programs and waits for them
            finding = pool.submit(copy_context().run, find_resolver, resolver)
            interpreter = provide_interpreter(wanted.target, say)
            found = finding.result()
        return cls(wanted=wanted, store=store, resolver=found, interpreter=interpreter, say=say)

    def make(self) -> Dependencies:
        """Install, cut down, compile, pack and keep."""
        wanted, target = self.wanted, self.wanted.target
        self.say(f"Resolving with {self.resolver.name} {self.resolver.version} for {target}")
        request = Request(requirements=wanted.requirements, target=target, root=wanted.root)
        with self.store.making() as work:
            site, archive = work / "site", work / "dependencies.zip"
            site.mkdir()
            with resolved(request, self.resolver, site) as passed_over:
                slimmed = slim(site, with_names(wanted.requirements, site), target, wanted.options)
                packed = self._pack(site, archive)
                notes = (*passed_over.result(), *slimmed.notes, *self._notes())
            facts = {
                "entries": {"prefix": wanted.layout.prefix, "digests": packed.digests},
                "unpacked": packed.unpacked,
                "packages": [asdict(one) for one in slimmed.packages],
                "removed": [asdict(one) for one in slimmed.removed],
                "notes": notes,
                "use_us": packed.mentions,
            }
            key = wanted.key(self.resolver.name, has_bytecode=self.interpreter is not None)
            return read_kept(self.store.keep(key, archive, facts, sha256=packed.sha256))

    def _pack(self, site: Path, archive: Path) -> ArchiveFacts:
        return make_archive(
            site,
            archive,
            target=self.wanted.target,
            interpreter=self.interpreter,
            prefix=self.wanted.layout.prefix,
            task_root=self.wanted.layout.root,
            mention=OURS,
            earlier=EarlierArchives(self.store),
        )

    def _notes(self) -> tuple[str, ...]:
        return () if self.interpreter is not None else (missing_note(self.wanted.target),)
