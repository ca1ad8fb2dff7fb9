"""How an answer of the embedded cloud is told from one of AWS: by a header that AWS does not send."""

CLOUD_HEADER = "X-Microlambda-Cloud"
