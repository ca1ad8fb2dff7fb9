"""Dependencies lie in a layer: what a deploy uploads of them, which versions stay, and whose a layer is."""

from __future__ import annotations

from typing import Any

import pytest

from microlambda.bundle.archive import content_digest
from microlambda.deploy import upload
from microlambda.deploy.errors import ArchiveTooLarge, DeployFailed, NotOurs
from microlambda.deploy.kinds.function import code_sha256
from microlambda.project.pieces import FunctionPieces, Piece, Pieces
from tests.deploy.conftest import (
    ACCOUNT,
    REGION,
    Cloud,
    Project,
    account,
    deploy_again,
    fail_at,
    lose_reply_of,
    on_answer,
    zipped,
)

NAME = "shop-dev-dependencies"
ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:{NAME}"


def versions(cloud: Cloud, name: str = NAME) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = cloud.client("lambda").list_layer_versions(LayerName=name)["LayerVersions"]
    return found


def numbers(cloud: Cloud) -> list[int]:
    return [one["Version"] for one in versions(cloud)]


def layers_of(cloud: Cloud, function: str = "shop-dev-http", qualifier: str = "live") -> list[str]:
    answer = cloud.client("lambda").get_function_configuration(FunctionName=function, Qualifier=qualifier)
    return [layer["Arn"] for layer in answer.get("Layers", [])]


def publish(cloud: Cloud, name: str = NAME, description: str = "", **more: Any) -> None:
    cloud.client("lambda").publish_layer_version(
        LayerName=name, Description=description, Content={"ZipFile": b"other"}, **more
    )


def publish_ours(project: Project, *numbers: int) -> None:
    """Put in place what deploys with other dependencies would have published."""
    (now,) = versions(project.cloud)
    fits = {one: now[one] for one in ("CompatibleRuntimes", "CompatibleArchitectures")}
    for number in numbers:
        publish(project.cloud, description=now["Description"].replace("first", f"number-{number}"), **fits)


def in_one_archive(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the code hold the dependencies, as `single_archive = true` does."""
    pieces = Pieces(common=FunctionPieces(code=Piece(key="code", inputs=project.code)))
    monkeypatch.setattr(Project, "pieces", pieces)


def test_a_layer_says_whose_it_is_and_what_it_is_for(project: Project, cloud: Cloud) -> None:
    project.write('python = "3.12"\narchitecture = "arm64"')

    project.deployer.deploy()

    (version,) = versions(cloud)
    content = content_digest(project.archive("dependencies"))
    whose = "microlambda id=k3v9x2 app=shop stage=dev"
    assert version["Description"] == f"{whose} inputs=dependencies-first content={content}"
    assert version["CompatibleRuntimes"] == ["python3.12"]
    assert version["CompatibleArchitectures"] == ["arm64"]
    assert layers_of(cloud) == [f"{ARN}:1"]


def test_a_code_change_does_not_even_ask_for_the_dependencies(project: Project, cloud: Cloud) -> None:
    project.deployer.deploy()
    project.code = "two"
    cloud.calls.clear()
    project.built.clear()

    project.deployer.deploy()

    assert project.built == ["code"]
    assert cloud.changes == ["UpdateFunctionCode", "PublishVersion", "UpdateAlias"]
    assert layers_of(cloud) == [f"{ARN}:1"]


def test_new_dependencies_do_not_even_ask_for_the_code(project: Project, cloud: Cloud) -> None:
    project.deployer.deploy()
    project.dependencies = "second"
    cloud.calls.clear()
    project.built.clear()

    changes = project.deployer.deploy().changes

    assert project.built == ["dependencies"]
    assert cloud.changes == [
        *("PublishLayerVersion", "UpdateFunctionConfiguration", "PublishVersion", "UpdateAlias")
    ]
    assert [change.line for change in changes] == [
        "~ layer shop-dev-dependencies: content",
        "~ function shop-dev-http: layers dependencies",
        "+ version of shop-dev-http: the function changes",
        "~ alias live of shop-dev-http: version 1 -> the new one",
    ]
    assert layers_of(cloud) == [f"{ARN}:2"]
    assert deploy_again(project) == []


def test_code_and_dependencies_change_together_and_the_alias_moves_once(
    project: Project, cloud: Cloud
) -> None:
    project.deployer.deploy()
    project.code, project.dependencies = "two", "second"
    cloud.calls.clear()

    project.deployer.deploy()

    assert cloud.changes == [
        *("PublishLayerVersion", "UpdateFunctionCode", "UpdateFunctionConfiguration"),
        *("PublishVersion", "UpdateAlias"),
    ]
    assert deploy_again(project) == []


def test_another_python_publishes_the_dependencies_for_it(project: Project, cloud: Cloud) -> None:
    project.write('python = "3.12"')
    project.deployer.deploy()
    project.write('python = "3.13"')

    (layer, *_rest) = project.deployer.deploy().changes

    assert layer.line == "~ layer shop-dev-dependencies: runtime python3.12 -> python3.13"
    assert layers_of(cloud) == [f"{ARN}:2"]
    assert deploy_again(project) == []


def test_earlier_dependencies_are_used_again_without_an_upload(project: Project, cloud: Cloud) -> None:
    project.deployer.deploy()
    project.dependencies = "second"
    project.deployer.deploy()
    project.dependencies = "first"
    cloud.calls.clear()
    project.built.clear()

    project.deployer.deploy()

    assert project.built == []
    assert cloud.changes == ["UpdateFunctionConfiguration", "PublishVersion", "UpdateAlias"]
    assert layers_of(cloud) == [f"{ARN}:1"]
    assert deploy_again(project) == []


def test_the_five_newest_versions_stay(project: Project, cloud: Cloud) -> None:
    project.deployer.deploy()
    publish_ours(project, 2, 3, 4, 5)
    assert deploy_again(project) == []
    project.dependencies = "number-6"

    (layer, *_rest) = project.deployer.deploy().changes

    assert layer.line == "~ layer shop-dev-dependencies: content, version 1, which goes"
    assert numbers(cloud) == [6, 5, 4, 3, 2]
    assert deploy_again(project) == []
    assert layers_of(cloud, qualifier="1") == [f"{ARN}:1"]  # Lambda keeps a copy for that version


def test_the_version_in_use_stays_however_old_it_is(project: Project, cloud: Cloud) -> None:
    project.deployer.deploy()
    publish_ours(project, 2, 3, 4, 5, 6, 7)

    (change,) = project.deployer.deploy().changes

    assert change.line == "~ layer shop-dev-dependencies: version 3, which goes, version 2, which goes"
    assert numbers(cloud) == [7, 6, 5, 4, 1]
    assert layers_of(cloud) == [f"{ARN}:1"]
    assert deploy_again(project) == []


@pytest.mark.parametrize(
    "call",
    ["PublishLayerVersion", "UpdateFunctionConfiguration", "PublishVersion", "Invoke", "UpdateAlias"],
)
@pytest.mark.parametrize("lost", [False, True], ids=["failed", "lost"])
def test_new_dependencies_that_fail_anywhere_converge_on_the_next_run(
    project: Project, cloud: Cloud, call: str, lost: bool
) -> None:
    project.deployer.deploy()
    project.code, project.dependencies = "two", "second"
    (lose_reply_of if lost else fail_at)(cloud, call)
    with pytest.raises(DeployFailed):
        project.deployer.deploy()
    if (call, lost) != ("UpdateAlias", True):
        assert layers_of(cloud) == [f"{ARN}:1"]
    cloud.before_call = cloud.lost = None

    project.deployer.deploy()

    assert layers_of(cloud) == layers_of(cloud, qualifier="$LATEST") == [f"{ARN}:2"]
    assert numbers(cloud) == [2, 1]
    assert deploy_again(project) == []


@pytest.mark.parametrize("lost", [False, True], ids=["failed", "lost"])
def test_an_old_version_that_could_not_be_deleted_goes_with_the_next_run(
    project: Project, cloud: Cloud, lost: bool
) -> None:
    project.deployer.deploy()
    publish_ours(project, 2, 3, 4, 5)
    project.dependencies = "number-6"
    (lose_reply_of if lost else fail_at)(cloud, "DeleteLayerVersion")
    with pytest.raises(DeployFailed, match="DeleteLayerVersion"):
        project.deployer.deploy()
    cloud.before_call = cloud.lost = None
    project.built.clear()

    project.deployer.deploy()

    assert project.built == []
    assert numbers(cloud) == [6, 5, 4, 3, 2]
    assert layers_of(cloud) == [f"{ARN}:6"]
    assert deploy_again(project) == []


def test_from_one_archive_to_a_layer_the_code_gets_smaller_first(
    project: Project, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        in_one_archive(project, patched)
        project.deployer.deploy()
        assert layers_of(cloud) == []
    project.code = "two"
    cloud.calls.clear()

    project.deployer.deploy()

    assert cloud.changes[:3] == ["PublishLayerVersion", "UpdateFunctionCode", "UpdateFunctionConfiguration"]
    assert layers_of(cloud) == [f"{ARN}:1"]


def test_from_a_layer_to_one_archive_the_layer_is_taken_off_first_and_goes_last(
    project: Project, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.deployer.deploy()
    project.code = "two"
    in_one_archive(project, monkeypatch)
    cloud.calls.clear()

    changes = project.deployer.deploy().changes

    assert cloud.changes == [
        *("UpdateFunctionConfiguration", "UpdateFunctionCode", "PublishVersion", "UpdateAlias"),
        "DeleteLayerVersion",
    ]
    assert changes[0].line == "~ function shop-dev-http: code, layers none"
    assert changes[-1].line == "- layer shop-dev-dependencies"
    assert layers_of(cloud) == []
    assert deploy_again(project) == []


def test_functions_share_layers_and_have_their_own(project: Project, cloud: Cloud) -> None:
    for name in ("reports", "resize", "bare"):
        project.app.task(name=name)(lambda key: None)
    project.own = {"reports": ("dependencies", "dependencies-reports"), "bare": ()}

    project.deployer.deploy()

    assert sorted(project.built) == ["code", "dependencies", "dependencies-reports"]
    assert cloud.changes.count("PublishLayerVersion") == 2
    assert {name: layers_of(cloud, f"shop-dev-{name}") for name in ("http", "reports", "resize", "bare")} == {
        "http": [f"{ARN}:1"],
        "reports": [f"{ARN}:1", f"{ARN}-reports:1"],
        "resize": [f"{ARN}:1"],
        "bare": [],
    }
    assert deploy_again(project) == []

    project.dependencies = "second"
    lines = [change.line for change in project.deployer.changes()]
    assert "~ function shop-dev-reports: layers dependencies dependencies-reports" in lines
    assert not [line for line in lines if "shop-dev-bare" in line]


def test_a_layer_over_the_limit_is_refused_before_anything_is_changed(
    project: Project, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.dependencies = "x" * 200
    monkeypatch.setattr(upload, "UPLOAD_LIMIT", len(project.archive("code")) + 100)

    with pytest.raises(ArchiveTooLarge, match=r"the archive 'dependencies' has 0\.0 MB; .* in one upload"):
        project.deployer.deploy()

    assert cloud.mutating == []


STRANGERS = [
    pytest.param("", "its description does not name its microlambda:id", id="no-mark"),
    pytest.param(
        "microlambda id=other1 app=shop stage=dev inputs=x",
        "its microlambda:id is 'other1', this project's id is 'k3v9x2'",
        id="other-project",
    ),
    pytest.param(
        "microlambda id=k3v9x2 app=shop stage=prod inputs=x",
        "its microlambda:stage is 'prod', this deploy's is 'dev'",
        id="other-stage",
    ),
]


@pytest.mark.parametrize(("description", "told"), STRANGERS)
@pytest.mark.parametrize("above_ours", [False, True], ids=["alone", "above-ours"])
def test_a_layer_whose_newest_version_is_not_ours_is_refused(
    project: Project, cloud: Cloud, description: str, told: str, above_ours: bool
) -> None:
    if above_ours:
        project.deployer.deploy()
    publish(cloud, description=description)
    cloud.calls.clear()

    with pytest.raises(NotOurs, match=f"the layer '{NAME}' exists and is not this project's: {told}"):
        project.deployer.deploy()

    assert cloud.mutating == []


def test_delete_leaves_the_versions_of_others(project: Project, cloud: Cloud) -> None:
    project.deployer.deploy()
    publish(cloud)
    publish(cloud, "shop-dev-theirs")

    project.deployer.delete(logs=True)

    assert numbers(cloud) == [2]
    assert sorted(account(cloud)) == [f"layer {NAME}", "layer shop-dev-theirs"]


def test_the_layer_of_a_stage_whose_name_begins_with_ours_is_not_touched(
    project: Project, cloud: Cloud
) -> None:
    project.write("[stages.dev-next]")
    project.stage = "dev-next"
    project.deployer.deploy()
    project.stage = "dev"
    project.deployer.deploy()

    project.deployer.delete(logs=True)

    assert [name for name in account(cloud) if name.startswith("layer ")] == [
        "layer shop-dev-next-dependencies"
    ]


def test_a_layer_that_the_list_does_not_name_yet_is_found_by_its_name(project: Project, cloud: Cloud) -> None:
    project.deployer.deploy()
    on_answer(cloud, "lambda", "ListLayers", lambda answer: answer.update(Layers=[]))

    assert deploy_again(project) == []


def test_long_names_are_told_apart_within_what_a_description_holds(project: Project, cloud: Cloud) -> None:
    stage = "s" * 32
    project.write(f'id = "{"i" * 32}"\nname = "{"a b" * 40}"\n[stages.{stage}]')
    text = (project.root / "microlambda.toml").read_text().replace('id = "k3v9x2"\n', "")
    (project.root / "microlambda.toml").write_text(text)
    project.stage = stage
    project.dependencies = "0" * 51  # with the name of the layer before it: as long as a SHA-256

    project.deployer.deploy()

    (layer,) = cloud.client("lambda").list_layers()["Layers"]
    assert len(layer["LayerName"]) == 140
    assert len(layer["LatestMatchingVersion"]["Description"]) <= 256
    assert deploy_again(project) == []


def test_what_is_not_pinned_moves_only_where_it_is_resolved_anew(project: Project, cloud: Cloud) -> None:
    project.deployer.deploy()
    project.release = " 1.1"

    assert deploy_again(project) == []
    project.refresh = True
    changes = [change.line for change in project.deployer.deploy().changes]

    assert changes[0] == "~ layer shop-dev-dependencies: packages resolved anew"
    assert layers_of(cloud) == [f"{ARN}:2"]
    assert deploy_again(project) == []
    project.refresh = False
    assert deploy_again(project) == []


def test_a_release_that_was_taken_back_goes_from_the_layer_too(project: Project, cloud: Cloud) -> None:
    project.deployer.deploy()
    project.refresh = True
    for release in (" 1.1", ""):
        project.release = release
        project.deployer.deploy()

    project.refresh = False

    assert deploy_again(project) == []
    assert layers_of(cloud) == [f"{ARN}:3"]


def test_a_layer_of_an_earlier_version_of_ours_that_tells_no_content_serves(
    project: Project, cloud: Cloud
) -> None:
    project.deployer.deploy()
    (now,) = versions(cloud)
    fits = {one: now[one] for one in ("CompatibleRuntimes", "CompatibleArchitectures")}
    publish(cloud, description=now["Description"].partition(" content=")[0], **fits)

    changes = project.deployer.deploy().changes
    assert changes[0].line == "~ function shop-dev-http: layers dependencies"
    project.refresh = True
    project.deployer.deploy()

    assert layers_of(cloud) == [f"{ARN}:3"]
    assert deploy_again(project) == []


def test_code_that_holds_its_dependencies_is_made_anew_too(
    project: Project, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_one_archive(project, monkeypatch)
    project.deployer.deploy()
    code = Piece(key="code", inputs=project.code, content=code_sha256(zipped({"app.py": "resolved anew"})))
    monkeypatch.setattr(Project, "pieces", Pieces(common=FunctionPieces(code=code)))
    project.code = "resolved anew"

    changes = project.deployer.deploy().changes

    assert changes[0].line == "~ function shop-dev-http: code"
    assert deploy_again(project) == []
