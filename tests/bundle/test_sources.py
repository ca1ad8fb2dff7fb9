from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from microlambda.bundle.code.follow import follow
from microlambda.bundle.code.sources import find_sources
from microlambda.bundle.errors import ModulesMissing, SourcesUnusable
from microlambda.bundle.target import Target
from microlambda.project.settings import load_settings
from tests.bundle.conftest import inputs_hash

if TYPE_CHECKING:
    from pathlib import Path

    from tests.bundle.conftest import Project

TARGET = Target.for_lambda("3.13", "arm64")


def test_everything_importable_ships_with_the_data_of_its_packages(project: Project) -> None:
    for name in (
        *(
            "helpers.py",
            "smslib/__init__.py",
            "smslib/sms.py",
            "smslib/deep/er/mod.py",
            "smslib/templates/a.txt",
        ),
        *("namespace/part.py", "data.json", "templates/page.html", "README.md", "requirements.in"),
    ):
        project.write(name)

    bundle = project.bundle()

    assert project.contents(bundle) == [
        "app.py",
        "helpers.py",
        "namespace/part.py",
        "smslib/__init__.py",
        "smslib/deep/er/mod.py",
        "smslib/sms.py",
        "smslib/templates/a.txt",
    ]
    assert [note for note in bundle.notes if "data.json, templates/" in note]


@pytest.mark.parametrize(
    "name",
    [
        *(".git/config", ".hg/x.py", ".env", ".env.prod", "smslib/.env", "smslib/prod.env", "smslib/id_rsa"),
        *("server.key", "smslib/tls/server.pem", "smslib/store.p12", "smslib/microlambda.toml"),
        *("tests/test_app.py", "tests/__init__.py", "test_app.py", "conftest.py", "setup.py"),
        *("venv/pyvenv.cfg", "whatever/pyvenv.cfg", "smslib/deps/pyvenv.cfg"),
        *("node_modules/left_pad/__init__.py", "smslib/node_modules/x.py", "smslib/__pycache__/old.py"),
        *("build/app.py", "dist/app.py", "shop.egg-info/top.py", ".vscode/settings.py", ".idea/x.py"),
        *(".mypy_cache/x.py", ".pytest_cache/x.py", ".chalice/deployed.py", "smslib/.hidden", "out/mod.py"),
    ],
)
def test_secrets_tests_environments_and_caches_stay_behind(project: Project, name: str) -> None:
    project.write("smslib/__init__.py")
    project.write(name)
    if name.endswith("pyvenv.cfg"):
        project.write(name.replace("pyvenv.cfg", "lib/site/__init__.py"))

    bundle = project.bundle(out=project.root / "out")

    assert project.contents(bundle) == ["app.py", "smslib/__init__.py"]


def test_a_secret_inside_a_package_is_named(project: Project) -> None:
    project.write("smslib/__init__.py")
    project.write("smslib/ca.pem")

    assert "smslib/ca.pem is left out: files of this name hold secrets." in project.bundle().notes


def test_the_folder_above_src_stays_behind(project: Project) -> None:
    project.write("src/shop/__init__.py")
    project.write("src/shop/web.py")
    project.write("tools.py")

    bundle = project.bundle(module="shop.web", import_root=project.root / "src")

    assert project.contents(bundle) == ["shop/__init__.py", "shop/web.py"]


def test_include_brings_in_what_nothing_imports_and_never_a_secret(project: Project) -> None:
    project.write("microlambda.toml", 'include = ["templates/**", "*.json", ".env"]\n')
    for name in ("templates/page.html", "templates/key.pem", "data.json", "notes.txt", ".env"):
        project.write(name)

    bundle = project.bundle()

    assert project.contents(bundle) == ["app.py", "data.json", "templates/page.html"]
    assert "include (.env) brings in nothing: what never ships, or is excluded, stays out." in bundle.notes


def test_a_pattern_of_include_that_matches_nothing_is_named(project: Project) -> None:
    patterns = ["# data", "templtes/", "data/*.csv", "!data/b.csv", "x.py", " ", "./data"]
    project.write("microlambda.toml", f"include = {patterns}\n")
    project.write("data/a.csv")
    project.write("x.py")

    notes = [note for note in project.bundle().notes if "include" in note]

    assert notes == [
        "include (templtes/) brings in nothing: no file that may ship matches it.",
        "include (./data) brings in nothing: write it from the project's folder, without './'.",
    ]


def test_exclude_and_lambdaignore_speak_as_gitignore_does(project: Project) -> None:
    project.write("microlambda.toml", 'exclude = ["drafts/"]\n')
    project.write(".lambdaignore", "# large\nsmslib/*.csv\n!smslib/codes.csv\n")
    for name in ("drafts/one.py", "smslib/__init__.py", "smslib/all.csv", "smslib/codes.csv"):
        project.write(name)

    assert project.contents(project.bundle()) == ["app.py", "smslib/__init__.py", "smslib/codes.csv"]


def test_what_the_settings_exclude_is_not_noted_as_missing(project: Project) -> None:
    project.write("microlambda.toml", 'exclude = ["standin/", "demo.py"]\n')
    for name in ("standin/app.py", "standin/microlambda.toml", "standin/key.pem", "demo.py"):
        project.write(name)

    bundle = project.bundle()

    assert project.contents(bundle) == ["app.py"]
    assert bundle.notes == ()


def test_links_are_followed_inside_the_project_and_named_where_they_lead_out(
    project: Project, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "secret.py").touch()
    project.write("smslib/__init__.py")
    (project.root / "smslib" / "out").symlink_to(tmp_path / "elsewhere")
    (project.root / "smslib" / "again").symlink_to(project.root / "smslib")
    (project.root / "alias.py").symlink_to(project.root / "app.py")

    bundle = project.bundle()

    assert project.contents(bundle) == ["alias.py", "app.py", "smslib/__init__.py"]
    assert "smslib/out is left out: it is a link that leads out of the project." in bundle.notes


@pytest.mark.parametrize("target", ["nowhere.py", "link.py"], ids=["nothing", "itself"])
def test_a_link_to_nothing_is_named_as_one(project: Project, target: str) -> None:
    (project.root / "link.py").symlink_to(target)

    bundle = project.bundle()

    assert project.contents(bundle) == ["app.py"]
    assert bundle.notes == (f"link.py is left out: it is a link to {target}, which is not there.",)


@pytest.mark.parametrize("name", [".#app.py", "drafts.py"], ids=["an editor's lock", "excluded"])
def test_a_link_that_nobody_would_miss_is_not_named(project: Project, name: str) -> None:
    project.write("microlambda.toml", 'exclude = ["drafts.py"]\n')
    (project.root / name).symlink_to("nowhere")

    assert project.bundle().notes == ()


@pytest.mark.parametrize("link", ["loop", "smslib/up"])
@pytest.mark.parametrize("include", ["[]", '["**/*.py"]'], ids=["found", "included"])
def test_a_link_to_a_folder_that_it_lies_in_is_not_followed(
    project: Project, link: str, include: str
) -> None:
    project.write("microlambda.toml", f"include = {include}\n")
    project.write("smslib/__init__.py")
    (project.root / link).symlink_to(project.root)

    bundle = project.bundle()

    assert project.contents(bundle) == ["app.py", "smslib/__init__.py"]
    assert f"{link} is left out: it is a link to a folder that it lies in." in bundle.notes


@pytest.mark.parametrize(
    ("settings", "ignored", "message"),
    [
        (
            'include = ["*.txt", "[z-a]"]',
            "",
            r"^include has a pattern .*: '\[z-a\]' \(bad character range z-a\)",
        ),
        ('exclude = ["!"]', "", "^exclude has a pattern that cannot be read: '!'"),
        ("", "*.csv\n[!z-a]x\n", r"^\.lambdaignore:2 has a pattern .*: '\[!z-a\]x' \(bad character"),
        ('exclude = ["*.csv"]', "!\n", r"^\.lambdaignore:1 has a pattern"),
    ],
    ids=["include", "exclude", "a range in .lambdaignore", "nothing in .lambdaignore"],
)
def test_a_pattern_that_cannot_be_read_is_named_with_its_place(
    project: Project, settings: str, ignored: str, message: str
) -> None:
    project.write("microlambda.toml", settings)
    project.write(".lambdaignore", ignored)

    with pytest.raises(SourcesUnusable, match=message):
        project.bundle()


def test_a_lambdaignore_that_is_not_utf_8_is_named(project: Project) -> None:
    project.write(".lambdaignore").write_bytes("caf\xe9/\n".encode("latin-1"))

    with pytest.raises(SourcesUnusable, match=r"^\.lambdaignore is not UTF-8 text: byte 3\."):
        project.bundle()


@pytest.mark.parametrize("name", ["microlambda.py", "microlambda/__init__.py"])
def test_a_module_of_our_name_is_refused(project: Project, name: str) -> None:
    project.write(name)

    with pytest.raises(SourcesUnusable, match="has the name of microlambda itself"):
        project.bundle()


def test_an_app_that_would_not_ship_is_refused(project: Project) -> None:
    project.write("tests/app.py")

    with pytest.raises(SourcesUnusable, match=r"'tests\.app' would not be in the bundle"):
        project.bundle(module="tests.app")


def shipped(
    project: Project, import_root: Path | None = None, module: str = "app"
) -> tuple[list[str], list[str]]:
    """Name what ships with what the app's imports lead to, and the notes."""
    import_root = import_root or project.root
    imports = follow(project.root, import_root, module, TARGET)
    found = find_sources(
        load_settings(project.root, "dev"), import_root, out=project.root / "build/out", imports=imports
    )
    return [file.name for file in found.files], list(found.notes)


@pytest.mark.parametrize(
    ("app", "names", "note"),
    [
        (
            "def f():\n    from tests import helpers",
            ["tests/data.json", "tests/helpers.py"],
            "tests/ is in the bundle (2 files; `exclude` keeps out what it does not need), "
            "for app.py:2 imports tests.helpers.",
        ),
        ("import tests.test_app", ["tests/data.json", "tests/helpers.py", "tests/test_app.py"], None),
        ("import conftest", ["conftest.py"], "conftest.py is in the bundle, for app.py:1 imports conftest."),
        ("import test_all", ["test_all.py"], None),
        ("import setup", ["setup.py"], None),
        ("import build.plans", ["build/plans.py"], None),
        ("from dist import made", ["dist/made.so"], None),
        ("from importlib import import_module as x\nx('tests.helpers')", [], None),
        ("# import tests", [], None),
    ],
)
def test_what_stays_behind_by_name_ships_where_the_app_imports_it(
    project: Project, app: str, names: list[str], note: str | None
) -> None:
    project.write("app.py", app)
    for name in (
        *(
            "tests/helpers.py",
            "tests/data.json",
            "tests/test_app.py",
            "conftest.py",
            "test_all.py",
            "setup.py",
        ),
        *("build/plans.py", "build/out/old.py", "dist/made.so", "tests/__pycache__/x.py"),
    ):
        project.write(name)

    found, notes = shipped(project)

    assert found == sorted(["app.py", *names])
    assert (len(notes) == 1) is bool(names)
    assert note is None or notes == [note]


@pytest.mark.parametrize(
    ("app", "message"),
    [
        (
            "import drafts.one",
            "app.py:1 imports drafts.one, and drafts/__init__.py is left out by exclude (drafts/). Let it "
            "in, or do without it where it is imported (try, and except ImportError).",
        ),
        (
            "import lib.big",
            "app.py:1 imports lib.big, and lib/big.py is left out by .lambdaignore:2 (*/big.py).",
        ),
        (
            "def f():\n    import zappa_settings",
            "app.py:2 imports zappa_settings, and zappa_settings.py never ships: names like zappa_settings.*",
        ),
        ("import node_modules.x", "and node_modules never ships: names like node_modules are"),
        ("import build.out.made", "and build/out is the folder that archives are written to. Write them to"),
        (
            "import venv.lib",
            "which lies in the virtual environment venv. Name it in the project's requirements.",
        ),
        ("import away", "and away.py is a link that leads out of the project. Copy what it leads to"),
        ("import lib", "lib/__init__.py:1 imports drafts, and drafts/__init__.py is left out by exclude"),
    ],
)
def test_what_the_app_imports_and_must_not_ship_is_an_error(
    project: Project, tmp_path: Path, app: str, message: str
) -> None:
    project.write("app.py", app)
    project.write("microlambda.toml", 'exclude = ["*.txt", "drafts/"]\n')
    project.write(".lambdaignore", "# large\n*/big.py\n\n!*/small.py\n")
    project.write("lib/__init__.py", "import drafts" if app == "import lib" else "")
    (tmp_path / "away.py").touch()
    (project.root / "away.py").symlink_to(tmp_path / "away.py")
    for name in (
        *("drafts/__init__.py", "drafts/one.py", "lib/big.py", "zappa_settings.py", "node_modules/x.py"),
        *("build/out/made.py", "venv/pyvenv.cfg", "venv/lib.py"),
    ):
        project.write(name)

    with pytest.raises(ModulesMissing, match=re.escape(message)):
        shipped(project)

    project.write("app.py", f"try:\n    {app.splitlines()[-1].strip()}\nexcept ImportError:\n    pass\n")
    assert "app.py" in shipped(project)[0]


def test_the_apps_own_module_does_not_ship_for_importing_itself(project: Project) -> None:
    project.write("tests/app.py", "import tests.helpers")
    project.write("tests/helpers.py")

    found, _ = shipped(project, module="tests.app")

    assert "tests/app.py" not in found


def hashed(project: Project, root: Path | None = None) -> str:
    root = root or project.root
    return inputs_hash(load_settings(root, "dev"), root, TARGET)


def test_equal_inputs_have_one_hash_in_any_folder(project: Project, tmp_path: Path) -> None:
    import shutil

    project.write("requirements.txt", "--find-links ./wheels\nrequests\n")
    shutil.copytree(project.root, tmp_path / "elsewhere")

    assert hashed(project) == hashed(project, tmp_path / "elsewhere")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("app.py", "app = 1\n"),
        ("helpers.py", ""),
        ("smslib/data.txt", "2"),
        ("requirements.txt", "requests==2\n"),
        ("deps.txt", "urllib3<2\n"),
    ],
)
def test_the_hash_changes_with_what_would_ship(project: Project, name: str, content: str) -> None:
    project.write("requirements.txt", "requests\n-c deps.txt\n")
    project.write("deps.txt", "urllib3\n")
    project.write("smslib/__init__.py")
    before = hashed(project)

    project.write(name, content)

    assert hashed(project) != before


def test_the_hash_knows_the_target_and_not_what_stays_behind(project: Project) -> None:
    before = hashed(project)

    project.write("tests/test_app.py", "x = 1")
    project.write(".env", "TOKEN=x")
    project.write("requirements.txt", "microlambda[local]\n# a comment\n")

    assert hashed(project) == before
    settings = load_settings(project.root, "dev")
    assert inputs_hash(settings, project.root, Target.for_lambda("3.12", "arm64")) != before


def test_a_bundle_has_the_hash_of_its_inputs(project: Project) -> None:
    assert project.bundle(target=TARGET, single=False).inputs_hash == hashed(project)
