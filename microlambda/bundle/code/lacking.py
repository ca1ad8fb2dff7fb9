"""What the app imports and the archives would not have on Lambda, told before anything is uploaded.

What `local` sees and the archives lack is an error, and so is what fails as soon as the app's module is
imported. Whatever only may be imported, and is not here either, is a note.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from microlambda.bundle.code.contents import Contents
from microlambda.bundle.code.installed import distribution_of, where_installed
from microlambda.bundle.code.stdlib import SUCCESSORS, stdlib_modules, why_absent
from microlambda.bundle.code.tree import Tree
from microlambda.bundle.errors import ModulesMissing

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from microlambda.bundle.code.follow import Import, Imports
    from microlambda.bundle.target import Target

#: What AWS's managed runtime has in /var/runtime: the SDK and the runtime client, which are documented, and
#: what these need, which may change or go.
#: https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html#python-sdk-included
_RUNTIME = frozenset({"boto3", "botocore", "s3transfer", "awslambdaric", "bootstrap", "snapshot_restore_py"})
_BESIDE_SDK = frozenset({"dateutil", "jmespath", "simplejson", "six", "urllib3"})

_SHOWN = 8
_WAY_OUT = "If this machine alone needs it, import it in a try with except ImportError."


@dataclass(frozen=True, kw_only=True)
class _Lack:
    """A module that is not there: the fact and the remedy, as they follow "PLACE imports NAME"."""

    module: str
    text: str
    is_error: bool
    because: Import


def check_complete(
    imports: Imports,
    available: Collection[str],
    target: Target,
    *,
    requirements: str = "",
    elsewhere: Collection[str] = (),
    has_foreign_layers: bool = False,
) -> tuple[str, ...]:
    """Check that all that the app imports is there; gives notes, and raises `ModulesMissing`.

    `available` are the names of the entries of code and dependencies, without the `python/` of a layer.
    `requirements` names where the project's requirements are read from, empty where there are none.
    `elsewhere` are the entries of what other functions have: an import that does not run at once is theirs.
    Layers of others may have anything: with them there are notes only.
    """
    check = _Check(
        imports=imports,
        contents=Contents.of(available, target),
        elsewhere=Contents.of(elsewhere, target),
        target=target,
        label=requirements,
    )
    lacks = _grouped(filter(None, map(check.lack_of, imports.others)))
    errors = [] if has_foreign_layers else [lack for lack in lacks if lack.is_error]
    if errors:
        raise ModulesMissing(_joined([_sentence(lack) for lack in errors]))
    hint = " A layer that the settings name may have it." if has_foreign_layers else ""
    return tuple(_sentence(lack) + hint for lack in lacks)


def _grouped(lacks: Iterable[_Lack]) -> list[_Lack]:
    """Keep one for each module: an error before a note, and what is certain before what may be."""
    kept: dict[str, _Lack] = {}
    for lack in lacks:
        known = kept.setdefault(lack.module, lack)
        if (lack.is_error, lack.because.is_certain) > (known.is_error, known.because.is_certain):
            kept[lack.module] = lack
    return list(kept.values())


def _joined(sentences: list[str]) -> str:
    if len(sentences) == 1:
        return sentences[0]
    more = len(sentences) - _SHOWN
    shown = [*sentences[:_SHOWN], *([f"and {more} more"] if more > 0 else [])]
    return f"{len(sentences)} imports of the app would fail on Lambda:\n" + "\n".join(
        f"- {one}" for one in shown
    )


_WHEN = {"import": "", "function": " in a function", "condition": " on a condition"}


def _sentence(lack: _Lack) -> str:
    one = lack.because
    name = lack.module if lack.module.startswith(f"{one.module}.") else one.module
    return f"{one.place} imports {name}{_WHEN[one.when]}, {lack.text}"


@dataclass(frozen=True, kw_only=True)
class _Check:
    imports: Imports
    contents: Contents
    elsewhere: Contents
    target: Target
    label: str

    def _has_anywhere(self, module: str) -> bool:
        return self.contents.has(module) or self.elsewhere.has(module)

    def lack_of(self, one: Import) -> _Lack | None:
        """Say what an import would not find; None where it finds all, or may do without."""
        if one.is_optional or not self._runs(one):
            return None
        missing = self._missing(one.module) or self._missing_name(one)
        if missing is not None and not one.is_certain and self.elsewhere.has(one.module):
            return None
        if missing is not None:
            text, is_error = self._explained(one, missing)
            return _Lack(module=missing, text=text, is_error=is_error, because=one)
        if one.module.partition(".")[0] in _BESIDE_SDK and not self._has_anywhere(one.module):
            return _Lack(module=one.module, text=_BORROWED, is_error=False, because=one)
        return None

    def _runs(self, one: Import) -> bool:
        return all(any(self._missing(name) for name in group) for group in one.instead_of)

    def _missing(self, module: str) -> str | None:
        """Name the first part of a dotted name that nothing on Lambda has."""
        top = module.partition(".")[0]
        if self.contents.has(module):
            return self.contents.missing(module)
        provided = top in _RUNTIME or top in _BESIDE_SDK or top == "microlambda"
        return None if provided or top in stdlib_modules(self.target.python) else top

    def _missing_name(self, one: Import) -> str | None:
        """Name a submodule that `from package import name` asks for: it is one here, and is not there."""
        module = f"{one.module}.{one.name}"
        if one.name is None or not self.contents.has(module) or self.contents.missing(module) is None:
            return None
        if not self.contents.is_regular(one.module):
            return module if one.module.replace(".", "/") in self.contents.folders else None
        file = where_installed(module)
        return module if file is not None and file.stem in (one.name, "__init__") else None

    def _explained(self, one: Import, missing: str) -> tuple[str, bool]:
        """Say why it is missing and what to do, and whether that is an error."""
        here = where_installed(missing)
        is_error = one.is_certain or here is not None
        parent = missing.rpartition(".")[0]
        if parent == "microlambda":
            return _OF_TOOLS, is_error
        if why := why_absent(missing, self.target.python):
            return f"{why}. {self._successor(missing)}", is_error
        if parent and self.contents.is_regular(parent):
            return self._explained_part(one, parent, missing, here)
        if beside := self._beside(missing):
            return beside, is_error
        if here is None:
            return f"and there is no such module: neither in the project nor in {self._what}.", is_error
        return self._installed(one, missing, here), True

    def _successor(self, module: str) -> str:
        name = SUCCESSORS.get(module)
        has = f"Add what has it now to the requirements: {name}. " if name else ""
        return f"{has or 'Do without it. '}{_WAY_OUT}"

    def _explained_part(self, one: Import, parent: str, missing: str, here: Path | None) -> tuple[str, bool]:
        """Explain a module that a package lacks."""
        top = Tree(self.imports.import_root).find(parent)
        if top.files:
            text = f"and {parent} of the project has no {missing.rpartition('.')[2]}."
            return text, one.is_certain and not _is_dynamic(Path(top.files[-1][1]))
        keep = missing.replace(".", "/")
        text = (
            f"which is not in the bundle, though {parent} is. If it is left out to save room, keep it: "
            f"keep = ['{keep}*']. Otherwise the version that was resolved has none."
        )
        # Some packages make modules as they are imported; so does this one, if it is here without the file.
        is_made = here is None and where_installed(parent) is not None
        return text, (one.is_certain and not is_made) or here is not None

    def _beside(self, module: str) -> str | None:
        """Explain a module of the project's folder that lies beside the `src` of a src layout."""
        root, import_root = self.imports.root, self.imports.import_root
        if root == import_root:
            return None
        found = Tree(root).find(module)
        if found.missing or not found.files:
            return None
        shown = Path(found.files[0][1]).relative_to(root)
        shown = shown.parent if shown.name == "__init__.py" else shown
        folder = import_root.relative_to(root)
        return (
            f"which is {shown} of the project's folder, and only what is in {folder}/ ships. "
            f"Move it into {folder}/."
        )

    def _installed(self, one: Import, missing: str, here: Path) -> str:
        way_out = "" if one.is_certain else f" {_WAY_OUT}"
        name = distribution_of(self._fullest(one, missing))
        if name is None:
            fact = f"which is on this machine's Python path ({here}) and neither in the project nor in"
            return f"{fact} {self._what}. Move it into the project, or make it a requirement.{way_out}"
        where = "Add it there" if self.label else "Add it to a requirements.txt"
        return f"which is installed here but is in none of {self._what}. {where}: {name}.{way_out}"

    def _fullest(self, one: Import, missing: str) -> str:
        """Name as much of what is imported as is here: a namespace alone would be of many distributions."""
        names = (f"{one.module}.{one.name}", one.module)
        return next((name for name in names if name.startswith(missing) and where_installed(name)), missing)

    @property
    def _what(self) -> str:
        return "the project's requirements" + (f" ({self.label})" if self.label else "")


_BORROWED = (
    "which no requirement brings. Lambda's runtime has a copy for its own use, in a version that AWS may "
    "change. Add it to the requirements."
)
_OF_TOOLS = (
    "which stays on the developer's machine: of microlambda, only the runtime ships. Import it where it is "
    "used, in tests or tools."
)


def _is_dynamic(file: Path) -> bool:
    """Tell whether a package may make or find modules by itself as it is imported."""
    return file.suffix != ".py" or any(word in file.read_bytes() for word in (b"sys.modules", b"__path__"))
