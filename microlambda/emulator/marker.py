"""How an answer of the embedded cloud is told from one of AWS: by a header that AWS does not send."""

CLOUD_HEADER = "X-Microlambda-Cloud"

#: Of what tells of a REST API, as AWS's own answers name no URL: where it is served here, without its stage.
API_URL_HEADER = "X-Microlambda-Api-Url"
