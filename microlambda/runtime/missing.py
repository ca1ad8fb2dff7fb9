"""What to say of a module of the runtime that is not in the archive.

Of the runtime an archive holds what every app needs and what a file of the project names.
"""

from __future__ import annotations


def explain(error: ImportError, name: str) -> None:
    """Raise a clear error in the place of one about a module of ours, which `name` would have loaded."""
    module = error.name or ""
    if isinstance(error, ModuleNotFoundError) and module.startswith("microlambda.runtime."):
        raise ImportError(
            f"{name} is not in this archive, which holds of the runtime what every app needs and what a file "
            f"of the project names. Write {name} in one of them, in a comment if the name is put together at "
            "run time, and package the app again.",
            name=module,
        ) from error
