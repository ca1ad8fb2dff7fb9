"""Planning an app as the stage dev in eu-west-1, with one archive of code and no layer."""

from __future__ import annotations

from pathlib import Path

from microlambda import App
from microlambda.plan.compile import compile_plan
from microlambda.plan.plan import Plan
from microlambda.project.pieces import FunctionPieces, Piece, Pieces
from microlambda.project.settings import load_settings

PIECES = Pieces(common=FunctionPieces(code=Piece(key="code", inputs="abc")))


def plan_in(folder: Path, app: App, text: str = "", **environ: str) -> Plan:
    """Plan an app in a folder; `text` is what its settings say beside id and region."""
    (folder / "microlambda.toml").write_text(f'id = "k3v9x2"\nregion = "eu-west-1"\n{text}')
    settings = load_settings(folder, "dev")
    return compile_plan(app, settings, app_path="app:app", pieces=PIECES, environ=environ)
