"""How API Gateway names a Lambda function that it calls."""

from __future__ import annotations


def invocation_uri(function: str) -> str:
    """Write what calls the function of this ARN; what is such a URI already stays as it is.

    Its region is that of the function.
    https://docs.aws.amazon.com/apigateway/latest/api/API_CreateAuthorizer.html
    """
    _arn, partition, service, region, *_rest = function.split(":")
    if service == "apigateway":
        return function
    return f"arn:{partition}:apigateway:{region}:lambda:path/2015-03-31/functions/{function}/invocations"
