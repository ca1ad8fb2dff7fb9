"""How long after a call of boto3 a handler begins in `microlambda local`: median and 95th percentile, in ms.

No peer runs these on one machine without Docker: `chalice local` ignores events, and SAM and Serverless call
handlers by hand. Run: python benchmarks/local_events.py
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from rich.console import Console as Terminal
from rich.table import Table

from microlambda.local.console import Console
from microlambda.local.server import LocalServer

TIMES = 50
WAIT = 30  # s

APP = """
import json, os, time
from microlambda import App

app = App("shop")

def begun(mark):
    with open("begun", "a") as file:
        file.write(json.dumps([mark, time.time()]) + "\\n")

@app.on_sqs_message("orders", per_record=True)
def ordered(record):
    begun(record.body)

@app.on_s3_event("uploads")
def imported(event):
    begun(event[0].key)

@app.on_sns_message("news")
def told(event):
    begun(event[0].message)

@app.on_dynamodb_record("books")
def stored(event):
    begun(event[0].keys["id"])

@app.on_kinesis_record("clicks")
def clicked(event):
    begun(event[0].data.decode())

@app.on_event({"source": ["shop"]})
def happened(event):
    begun(event.detail["mark"])
"""


class Quiet(Console):
    """Prints nothing, and tells where the AWS is."""

    endpoint = ""

    def _print(self, *lines: str, stream: Any = None) -> None:
        del stream
        for line in lines:
            if "AWS_ENDPOINT_URL=" in line:
                self.endpoint = line.partition("AWS_ENDPOINT_URL=")[2].split()[0].rstrip(".")


def main() -> None:
    """Measure each source in turn, and print a table."""
    with tempfile.TemporaryDirectory() as folder:
        project, console = Path(folder), Quiet()
        (project / "app.py").write_text(APP)
        with LocalServer(project, port=0, console=console):
            while not console.endpoint:
                time.sleep(0.05)
            table = Table("from the call to the handler's start", "median, ms", "95 %, ms")
            for name, call in _calls(console.endpoint).items():
                latencies = [_latency(project / "begun", call, f"{name}-{number}") for number in range(TIMES)]
                later = latencies[1:]  # the first waits for a process
                table.add_row(
                    name, f"{statistics.median(later):.1f}", f"{statistics.quantiles(later, n=20)[-1]:.1f}"
                )
            Terminal().print(table)


def _calls(endpoint: str) -> dict[str, Any]:
    make: Any = boto3.client
    client = partial(
        make,
        region_name="us-east-1",
        endpoint_url=endpoint,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(proxies={}),
    )
    s3, sqs, sns, dynamodb = client("s3"), client("sqs"), client("sns"), client("dynamodb")
    kinesis, events = client("kinesis"), client("events")
    queue = sqs.get_queue_url(QueueName="orders")["QueueUrl"]
    topic = sns.list_topics()["Topics"][0]["TopicArn"]
    return {
        "send_message": lambda mark: sqs.send_message(QueueUrl=queue, MessageBody=mark),
        "put_object": lambda mark: s3.put_object(Bucket="uploads", Key=mark, Body=b"x"),
        "publish": lambda mark: sns.publish(TopicArn=topic, Message=mark),
        "put_item": lambda mark: dynamodb.put_item(TableName="books", Item={"id": {"S": mark}}),
        "put_record": lambda mark: kinesis.put_record(
            StreamName="clicks", Data=mark.encode(), PartitionKey=mark
        ),
        "put_events": lambda mark: events.put_events(
            Entries=[{"Source": "shop", "DetailType": "x", "Detail": json.dumps({"mark": mark})}]
        ),
    }


def _latency(file: Path, call: Any, mark: str) -> float:
    """Make the call, and wait for the handler to have begun; gives milliseconds."""
    start = time.time()
    call(mark)
    deadline = start + WAIT
    while time.time() < deadline:
        lines = file.read_text().splitlines() if file.exists() else []
        for seen, moment in map(json.loads, lines):
            if seen == mark:
                return float(moment - start) * 1000
        time.sleep(0.002)
    raise TimeoutError(mark)


if __name__ == "__main__":
    main()
