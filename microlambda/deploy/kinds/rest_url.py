"""Where a REST API answers, which API Gateway does not tell: its host is made of its id and its region."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from microlambda.emulator.marker import API_URL_HEADER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from microlambda.deploy.session import Aws

#: What the hosts of each partition end in.
#: https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html
DNS_SUFFIXES = {
    "aws": "amazonaws.com",
    "aws-cn": "amazonaws.com.cn",
    "aws-us-gov": "amazonaws.com",
    "aws-iso": "c2s.ic.gov",
    "aws-iso-b": "sc2s.sgov.gov",
    "aws-iso-e": "cloud.adc-e.uk",
    "aws-iso-f": "csp.hci.ic.gov",
    "aws-eusc": "amazonaws.eu",
}


def rest_url(aws: Aws, api: str, stage: str, answer: Mapping[str, Any] | None = None) -> str:
    """Give the URL of a stage; the embedded cloud's `answer` of the API says where that is."""
    headers = (answer or {}).get("ResponseMetadata", {}).get("HTTPHeaders", {})
    suffix = DNS_SUFFIXES.get(aws.identity.partition, DNS_SUFFIXES["aws"])
    host = headers.get(API_URL_HEADER.lower()) or f"https://{api}.execute-api.{aws.region}.{suffix}"
    return f"{host}/{stage}"
