"""The SMS service and the stand-in for Twilio, on this machine: `python -m demo`."""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from microlambda.emulator.errors import PortInUse
from microlambda.emulator.server import check_free
from microlambda.local.interrupt import until_interrupted
from microlambda.local.server import LocalServer
from microlambda.project.errors import ToolError

HERE = Path(__file__).resolve().parent
STANDIN_PORT = 8001  # microlambda.toml points the stage `local` at it

READY = """\
The SMS service:         {app}
The stand-in for Twilio: {standin}

Try, in another terminal:
  curl {app}/
  curl -X POST -H 'Content-Type: application/json' -d '{{"msg": "Good morning"}}' {app}/service/sms/send
  curl {standin}/

Ctrl-C ends both."""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8000, help="of the SMS service (default: 8000)")
    port = parser.parse_args().port

    with until_interrupted() as interrupt, tempfile.TemporaryDirectory() as folder:
        os.environ["STANDIN_DATABASE"] = str(Path(folder) / "messages.sqlite3")
        try:
            check_free(STANDIN_PORT)
        except PortInUse:
            sys.exit(f"Port {STANDIN_PORT} is in use; the stand-in needs it (microlambda.toml).")
        try:
            with (
                LocalServer(HERE / "standin", port=STANDIN_PORT) as standin,
                LocalServer(HERE, port=port) as app,
            ):
                interrupt.serving()
                print(READY.format(app=app.url, standin=standin.url), flush=True)
                interrupt.wait()
        except ToolError as exc:
            sys.exit(f"{type(exc).__name__}: {exc}")


if __name__ == "__main__":
    main()
