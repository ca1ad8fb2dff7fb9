"""Runs pip with the markers of another platform: `python pip_child.py MARKERS.json ARGUMENT...`.

pip chooses wheels by --platform and --python-version, and yet judges `; python_version < "3.12"` by the
interpreter that it runs in (https://github.com/pypa/pip/issues/11664), so a dependency of the target alone
would be missing. This script stands by itself: it is run as a file, with nothing of ours imported.
"""

import json
import sys
from pathlib import Path


def main() -> int:
    """Replace the environment that pip's markers are judged in, then run pip."""
    markers = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    if markers:
        from pip._vendor.packaging import markers as judged

        vars(judged)["default_environment"] = lambda: dict(markers)
    from pip._internal.cli.main import main as pip

    return int(pip(sys.argv[2:]))


if __name__ == "__main__":
    sys.exit(main())
