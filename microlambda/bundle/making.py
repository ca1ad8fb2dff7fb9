"""Making the dependencies of a bundle: resolved, cut down, compiled, packed, and kept."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

from microlambda.bundle.ahead import Ahead
from microlambda.bundle.compiler import compilers_begun
from microlambda.bundle.dependencies import read_kept
from microlambda.bundle.earlier import EarlierArchives
from microlambda.bundle.inputs.requirement_lines import OURS
from microlambda.bundle.interpreter import missing_note, provide_interpreter
from microlambda.bundle.interruption import beside
from microlambda.bundle.pack import Entries, Packing
from microlambda.bundle.resolving.programs import find_resolver
from microlambda.bundle.resolving.resolver import Request, resolved
from microlambda.bundle.resolving.sources import with_names

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from microlambda.bundle.compiler import Compiler
    from microlambda.bundle.dependencies import Dependencies, Wanted
    from microlambda.bundle.resolving.resolver import Resolver
    from microlambda.bundle.slim.slimming import Slimmed
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
        with beside(partial(find_resolver, resolver)) as finding:  # each starts programs and waits for them
            interpreter = provide_interpreter(wanted.target, say)
            found = finding.result()
        return cls(wanted=wanted, store=store, resolver=found, interpreter=interpreter, say=say)

    def make(self, waiting: Callable[[], None]) -> Dependencies:
        """Install, cut down, compile, pack and keep; calls `waiting` before the first."""
        wanted, target = self.wanted, self.wanted.target
        self.say(f"Resolving with {self.resolver.name} {self.resolver.version} for {target}")
        request = Request(requirements=wanted.requirements, target=target, root=wanted.root)
        entries = Entries(prefix=wanted.layout.prefix, earlier=EarlierArchives(self.store))
        with self.store.making() as work:
            site, archive = work / "site", work / "dependencies.zip"
            site.mkdir()
            waiting()
            with (
                # Both are ready when the resolver is.
                compilers_begun(self.interpreter) as compilers,
                beside(partial(import_module, "microlambda.bundle.slim.slimming")) as slimming,
                Packing(site, entries, mention=OURS, compilers=compilers) as packing,
                self._ahead(request, entries, compilers) as ahead,
                resolved(request, self.resolver, site, begin=self._begin(packing)) as passed_over,
            ):
                slimmed: Slimmed = slimming.result().slim(
                    site, with_names(wanted.requirements, site), target, wanted.options
                )
                ahead.end()
                packed = packing.write(archive, target, self.interpreter, wanted.layout.root)
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

    def _ahead(
        self, request: Request, entries: Entries, compilers: Callable[[], Sequence[Compiler]]
    ) -> Ahead:
        return Ahead(
            partial(self.resolver.unpacked, request),
            entries,
            interpreter=self.interpreter,
            task_root=self.wanted.layout.root,
            compilers=compilers,
        )

    def _begin(self, packing: Packing) -> Callable[[], None]:
        """Choose what to do with what was just installed, while it is looked at; stripping writes to it."""
        return packing.begin if not self.wanted.options.strip else lambda: None

    def _notes(self) -> tuple[str, ...]:
        return () if self.interpreter is not None else (missing_note(self.wanted.target),)
