"""Runs a deployed archive in AWS's runtime client: a script, and the standard library alone.

python -S -E -s -P -B -u launch.py HANDLER TASK_ROOT RUNTIME_FOLDER [LAYER ...]
"""

import importlib
import os
import sys

OUR_CLIENT = "microlambda_runtime_client.py"


def main(argv: list[str]) -> None:
    """Set the path as on Lambda: the code, the layers, the managed runtime, the standard library."""
    handler, task_root, runtime_folder, *layers = argv[1:]
    # a later layer hides what an earlier one has: https://docs.aws.amazon.com/lambda/latest/dg/adding-layers.html
    paths = [os.path.join(layer, "python") for layer in reversed(layers)]  # noqa: PTH118
    sys.path[:0] = [task_root, *paths, runtime_folder]
    sys.argv = ["bootstrap", handler]
    if os.path.exists(os.path.join(runtime_folder, OUR_CLIENT)):  # noqa: PTH110, PTH118 - pathlib is not loaded here
        sys.exit(importlib.import_module(OUR_CLIENT.removesuffix(".py")).main(sys.argv))
    importlib.import_module("awslambdaric.__main__").main(sys.argv)


if __name__ == "__main__":
    main(sys.argv)
