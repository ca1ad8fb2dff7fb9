"""`@app.on_documentdb_change`: the declaration and the event; the sample of AWS's documents is read, too."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from microlambda import App, DocumentDBEvent, DocumentDBRecord, RegistrationError, UnknownEvent, WrongAnswer
from microlambda.emulator.events.documentdb import build

HAPPENED = datetime.datetime(2026, 11, 24, 10, 0, 7, tzinfo=datetime.UTC)
CLUSTER = "arn:aws:rds:us-east-1:123456789012:cluster:demo"

#: In the shape of https://docs.aws.amazon.com/lambda/latest/dg/with-documentdb.html#docdb-sample-event
DOCUMENTED: dict[str, Any] = {
    "eventSourceArn": "arn:aws:rds:us-east-1:123456789012:cluster:canary",
    "events": [
        {
            "event": {
                "_id": {"_data": "0163eeb6e7000000090100000009000041e1"},
                "clusterTime": {"$timestamp": {"t": 1676588775, "i": 9}},
                "documentKey": {"_id": {"$oid": "63eeb6e7d418cd98afb1c1d7"}},
                "fullDocument": {"_id": {"$oid": "63eeb6e7d418cd98afb1c1d7"}, "anyField": "sampleValue"},
                "ns": {"db": "test_database", "coll": "test_collection"},
                "operationType": "insert",
            }
        }
    ],
    "eventSource": "aws:docdb",
}


def keys(value: Any) -> Any:
    """The names of a value's parts, to any depth."""
    return {name: keys(one) for name, one in value.items()} if isinstance(value, dict) else None


@pytest.mark.parametrize("is_bound", [True, False], ids=["bound", "inferred"])
def test_the_handler_gets_every_change(app: App, is_bound: bool) -> None:
    seen: list[Any] = []

    @app.on_documentdb_change("shop", "orders", cluster=CLUSTER)
    def handle(event: DocumentDBEvent) -> None:
        seen.extend((one.operation, one.full_document, one.document_key) for one in event)

    event = build("shop", "orders", {"_id": 7, "n": 1})
    event["events"] += build("shop", "orders", {"_id": 8}, operation="delete")["events"]
    result = (app.handler("handle") if is_bound else app)(event, None)

    assert result is None
    assert seen == [("insert", {"_id": 7, "n": 1}, {"_id": 7}), ("delete", None, {"_id": 8})]


def test_the_sample_of_awss_documents_is_read() -> None:
    record = DocumentDBEvent(DOCUMENTED)[0]

    assert (record.operation, record.database, record.collection) == (
        "insert",
        "test_database",
        "test_collection",
    )
    assert record.id == "0163eeb6e7000000090100000009000041e1"
    assert record.document_key == {"_id": {"$oid": "63eeb6e7d418cd98afb1c1d7"}}
    assert record.full_document == {**record.document_key, "anyField": "sampleValue"}
    assert record.timestamp == datetime.datetime(2023, 2, 16, 23, 6, 15, tzinfo=datetime.UTC)
    assert record.cluster_arn == "arn:aws:rds:us-east-1:123456789012:cluster:canary"
    assert record.update_description is None
    assert record.raw is DOCUMENTED["events"][0]


def test_what_we_build_has_the_shape_of_that_sample() -> None:
    built = build(
        "shop", "orders", {"_id": {"$oid": "63eeb6e7d418cd98afb1c1d7"}, "anyField": "x"}, time=HAPPENED
    )

    assert keys(built) == keys(DOCUMENTED)
    assert keys(built["events"][0]) == keys(DOCUMENTED["events"][0])


def test_an_update_says_what_it_changed() -> None:
    raw = build(
        document={"_id": 1, "n": 2, "m": 3}, operation="update", updated_fields={"n": 2}, time=HAPPENED
    )

    record = DocumentDBEvent(raw)[0]
    assert record.update_description == {"removedFields": [], "updatedFields": {"n": 2}}
    assert (record.full_document, record.timestamp) == ({"_id": 1, "n": 2, "m": 3}, HAPPENED)


@pytest.mark.parametrize(
    "date",
    [
        pytest.param(1_795_514_407_123, id="milliseconds"),
        pytest.param({"$numberLong": "1795514407123"}, id="a long"),
        pytest.param("2026-11-24T10:00:07.123Z", id="ISO"),
    ],
)
def test_the_servers_clock_is_finer_than_the_clusters(date: Any) -> None:
    raw = build(time=HAPPENED)
    raw["events"][0]["event"]["wallTime"] = {"$date": date}

    assert DocumentDBEvent(raw)[0].timestamp == HAPPENED.replace(microsecond=123_000)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param({"database": "sh.op"}, ["database='sh.op'", "63"], id="no database"),
        pytest.param({"database": ""}, ["database=''"], id="an empty name"),
        pytest.param({"collection": "system.users"}, ["'system.'"], id="a system collection"),
        pytest.param({"collection": "or$ders"}, ["no '$'"], id="no collection"),
        pytest.param({"cluster": "demo"}, ["cluster='demo'", "no ARN", "rds"], id="a cluster's name"),
        pytest.param({"cluster": "arn:aws:rds:r:1:db:demo"}, ["not the ARN of a cluster"], id="an instance"),
        pytest.param({"credentials": "secret"}, ["secretsmanager"], id="no secret"),
        pytest.param({"full_document": "Updatelookup"}, ["Did you mean 'UpdateLookup'"], id="full_document"),
        pytest.param({"batch_size": 0}, ["1 to 10,000"], id="no batch"),
        pytest.param({"starting_position": "FIRST"}, ["starting_position='FIRST'"], id="position"),
        pytest.param({"starting_position_timestamp": HAPPENED}, ["AT_TIMESTAMP"], id="timestamp"),
        pytest.param({"maximum_batching_window_in_seconds": 301}, ["0 to 300"], id="window"),
    ],
)
def test_a_wrong_word_is_an_error_in_the_decorators_own_words(
    app: App, options: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(RegistrationError) as caught:
        app.on_documentdb_change(**{"database": "shop", "cluster": CLUSTER, **options})(lambda event: None)

    assert "on_documentdb_change(" in str(caught.value)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("collection", "sent", "is_handled"),
    [
        pytest.param("orders", {}, True, id="collection"),
        pytest.param("orders", {"collection": "users"}, False, id="another collection"),
        pytest.param(None, {"collection": "users"}, True, id="any collection"),
        pytest.param(None, {"database": "shop2"}, False, id="another database"),
        pytest.param("orders", {"cluster": CLUSTER + "2"}, False, id="another cluster"),
        pytest.param("orders", {"operation": "dropDatabase"}, True, id="the database's end"),
        pytest.param("orders", {"operation": "invalidate"}, True, id="the stream's end"),
    ],
)
def test_a_change_is_told_by_cluster_database_and_collection(
    app: App, collection: str | None, sent: dict[str, Any], is_handled: bool
) -> None:
    seen: list[str] = []
    app.on_documentdb_change("shop", collection, cluster=CLUSTER, name="handle")(
        lambda event: seen.append(event[0].operation)
    )

    for run in (app, app.handler("handle")):
        if is_handled:
            run(build(**sent), None)
        else:
            with pytest.raises(UnknownEvent, match="'handle', @app.on_documentdb_change"):
                run(build(**sent), None)

    assert seen == ([sent.get("operation", "insert")] * 2 if is_handled else [])


def test_two_handlers_of_the_same_changes_are_refused(app: App) -> None:
    app.on_documentdb_change("shop", "orders", cluster=CLUSTER, name="one")(lambda event: None)
    app.on_documentdb_change("shop", "users", cluster=CLUSTER, name="two")(lambda event: None)
    app.on_documentdb_change("shop2", "orders", cluster=CLUSTER, name="three")(lambda event: None)
    app.on_documentdb_change("shop", "orders", cluster=CLUSTER + "2", name="four")(lambda event: None)

    for collection in ("orders", None):
        with pytest.raises(RegistrationError, match=r"would both get the changes in 'shop\.orders'"):
            app.on_documentdb_change("shop", collection, cluster=CLUSTER, name="five")(lambda event: None)


def test_a_failing_change_fails_the_batch_after_all_had_their_turn(app: App) -> None:
    handled: list[Any] = []

    @app.on_documentdb_change("shop", cluster=CLUSTER)
    def handle(record: DocumentDBRecord) -> None:
        handled.append(record.document_key)
        if len(handled) == 1:
            raise LookupError("this change is bad")

    event = build(document={"_id": 1})
    event["events"] += build(document={"_id": 2})["events"]

    with pytest.raises(LookupError, match="this change is bad"):
        app(event, None)
    assert handled == [{"_id": 1}, {"_id": 2}]


def test_a_report_of_partial_failures_is_an_error(app: App) -> None:
    @app.on_documentdb_change("shop", cluster=CLUSTER)
    def handle(event: DocumentDBEvent) -> Any:
        return {"batchItemFailures": [{"itemIdentifier": event[0].id}]}

    with pytest.raises(WrongAnswer, match="'handle' reported batchItemFailures, which Lambda does not read"):
        app(build(), None)


def test_a_cloudevent_of_a_change() -> None:
    record = DocumentDBEvent(build("shop", "orders", {"_id": 1}, time=HAPPENED))[0]

    assert record.to_cloudevent() == {
        "specversion": "1.0",
        "id": record.id,
        "source": CLUSTER,
        "type": "com.amazonaws.docdb.insert",
        "subject": "shop.orders",
        "time": "2026-11-24T10:00:07Z",
        "datacontenttype": "application/json",
        "data": record.change,
    }


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param({"operation": "upsert"}, "operation='upsert'", id="operation"),
        pytest.param({"document": "text"}, "a document is a dict", id="document"),
    ],
)
def test_the_builder_refuses_what_documentdb_does_not_have(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        build(**options)


def test_what_a_record_is_called_in_a_log_holds_nothing_of_its_document() -> None:
    event = DocumentDBEvent(build("shop", "orders", {"_id": "s3cret"}))

    assert str(event) == "<DocumentDBEvent of 1 record>"
    assert str(event[0]) == "<DocumentDBRecord insert in 'shop.orders'>"
