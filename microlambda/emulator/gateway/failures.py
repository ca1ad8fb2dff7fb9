"""What a caller gets when there is no answer to pass on: one table, each row with where it is known from.

"recorded" means that someone published the traffic; "documented" that AWS says so; what rests on neither is
marked "assumed", and is what the neighbouring rows do.
"""

from __future__ import annotations

from microlambda.emulator.gateway.failure import Failure, FailureAnswer
from microlambda.emulator.gateway.refusals import (
    HTTP_AUTHORIZERS,
    HTTP_SIGNATURES,
    REST_AUTHORIZERS,
    REST_SIGNATURES,
    URL_FORBIDDEN,
    URL_SIGNATURES,
    WEBSOCKET,
)

__all__ = ["FAILURES", "Failure", "FailureAnswer"]


_REST_502 = FailureAnswer(
    status=502,
    body='{"message": "Internal server error"}',
    error_type="InternalServerErrorException",
    source="localstack/localstack next_gen/execute_api/integrations/aws.py, with its AWS-validated tests",
)
_HTTP_500 = FailureAnswer(
    status=500,
    body='{"message":"Internal Server Error"}',
    source="documented: http-api-troubleshooting-lambda.html",
)
_URL_502 = FailureAnswer(
    status=502,
    body="Internal Server Error",
    source="localstack/localstack lambda_/urlrouter.py, test_lambda_url_invocation_exception (AWS-validated)",
)
_HTTP_413 = FailureAnswer(
    status=413,
    body='{"message":"Request Entity Too Large"}',
    source="limit documented: http-api-quotas.html (10 MB); wording assumed",
)


_NO_API = FailureAnswer(
    status=403,
    body='{"message":"Missing Authentication Token"}',
    error_type="MissingAuthenticationTokenException",
    source="documented: repost.aws/knowledge-center/api-gateway-403-custom-domain (REST and HTTP APIs)",
)


def _alb(status: int, title: str, source: str) -> FailureAnswer:
    """An error page of a load balancer (recorded: CodeGenieApp/serverless-express#688)."""
    body = (
        f"<html>\r\n<head><title>{status} {title}</title></head>\r\n"
        f"<body>\r\n<center><h1>{status} {title}</h1></center>\r\n</body>\r\n</html>\r\n"
    )
    return FailureAnswer(status=status, body=body, content_type="text/html", source=source)


def _alb_502(source: str) -> FailureAnswer:
    return _alb(502, "Bad Gateway", source)


def _lattice(status: int, body: str, source: str) -> FailureAnswer:
    return FailureAnswer(status=status, body=body, content_type="text/plain", source=source)


_LATTICE_502 = _lattice(502, "Bad Gateway", "assumed: neither documented nor recorded; as function URLs")
_LATTICE_413 = _lattice(
    413, "Payload Too Large", "limit documented: vpc-lattice lambda-functions.html (6 MB); answer assumed"
)

_TROUBLESHOOTING = "documented: load-balancer-troubleshooting.html"

FAILURES: dict[str, dict[Failure, FailureAnswer]] = {
    "rest-api": {
        Failure.FUNCTION_ERROR: _REST_502,
        Failure.MALFORMED_ANSWER: _REST_502,
        Failure.FUNCTION_TIMEOUT: FailureAnswer(
            status=502,
            body='{"message": "Internal server error"}',
            error_type="InternalServerErrorException",
            source="recorded: rasp.hateblo.jp/entry/2021/05/13/222835 (function below integration)",
        ),
        Failure.INTEGRATION_TIMEOUT: FailureAnswer(
            status=504,
            body='{"message": "Endpoint request timed out"}',
            error_type="InternalServerErrorException",
            source="recorded: rasp.hateblo.jp/entry/2021/05/13/222835; 29 s: REST API quotas",
        ),
        Failure.RESPONSE_TOO_LARGE: _REST_502,
        Failure.BODY_TOO_LARGE: FailureAnswer(
            status=413,
            content_type="text; charset=utf-8",
            body="HTTP content length exceeded 10485760 bytes.",
            source="recorded: koki-develop/lgtm-generator#10",
        ),
        Failure.EVENT_TOO_LARGE: FailureAnswer(
            status=413,
            body='{"message": "Request Too Long"}',
            error_type="BadRequestException",
            source="recorded: koki-develop/lgtm-generator#10",
        ),
        Failure.HEADERS_TOO_LARGE: FailureAnswer(
            status=431,
            body='{"message": "Request Header Fields Too Large"}',
            source="limit documented: REST API quotas (10,240 bytes); answer assumed",
        ),
        Failure.BAD_REQUEST: FailureAnswer(
            status=400,
            body='{"message": "Bad Request"}',
            error_type="BadRequestException",
            source="documented: api-gateway-known-issues.html (what must be escaped); answer assumed",
        ),
        Failure.NO_API_KEY: FailureAnswer(
            status=403,
            body='{"message":"Forbidden"}',
            error_type="ForbiddenException",
            source="documented: supported-gateway-response-types.html (INVALID_API_KEY), and "
            "repost.aws/knowledge-center/api-gateway-troubleshoot-403-forbidden",
        ),
        Failure.NO_API: _NO_API,
        Failure.NOT_ALLOWED: FailureAnswer(
            status=500,
            body='{"message": "Internal server error"}',
            error_type="InternalServerErrorException",
            source="documented: repost.aws/knowledge-center/api-gateway-5xx-error (Lambda permissions: 500)",
        ),
        **REST_AUTHORIZERS,
        **REST_SIGNATURES,
    },
    "http-api": {
        Failure.FUNCTION_ERROR: _HTTP_500,
        Failure.MALFORMED_ANSWER: _HTTP_500,
        Failure.FUNCTION_TIMEOUT: _HTTP_500,
        Failure.INTEGRATION_TIMEOUT: FailureAnswer(
            status=503,
            body='{"message":"Service Unavailable"}',
            content_type=None,
            source="recorded: cortexlabs/cortex#1225, serverless/serverless#11222; 30 s: HTTP API quotas",
        ),
        Failure.RESPONSE_TOO_LARGE: _HTTP_500,
        Failure.BODY_TOO_LARGE: _HTTP_413,
        Failure.EVENT_TOO_LARGE: _HTTP_413,
        Failure.HEADERS_TOO_LARGE: FailureAnswer(
            status=431,
            body='{"message":"Request Header Fields Too Large"}',
            source="limit documented: HTTP API quotas (10,240 bytes); wording assumed",
        ),
        Failure.BAD_REQUEST: FailureAnswer(
            status=400,
            body='{"message":"Bad Request"}',
            source="assumed, from the wording of its other answers",
        ),
        Failure.NO_API: _NO_API,
        Failure.NOT_ALLOWED: _HTTP_500,
        **HTTP_AUTHORIZERS,
        **HTTP_SIGNATURES,
    },
    "function-url": {
        Failure.FUNCTION_ERROR: _URL_502,
        Failure.MALFORMED_ANSWER: _URL_502,
        Failure.FUNCTION_TIMEOUT: _URL_502,
        # A function URL has no time limit beside the function's own.
        Failure.INTEGRATION_TIMEOUT: _URL_502,
        Failure.RESPONSE_TOO_LARGE: _URL_502,
        Failure.BODY_TOO_LARGE: FailureAnswer(
            status=413,
            body='{"Message":"Request must be smaller than 6291456 bytes for the InvokeFunction operation"}',
            source="limit documented: Lambda quotas (6 MB); wording that of the Invoke operation",
        ),
        Failure.EVENT_TOO_LARGE: FailureAnswer(
            status=413,
            body='{"Message":"Request must be smaller than 6291456 bytes for the InvokeFunction operation"}',
            source="limit documented: Lambda quotas (6 MB); wording that of the Invoke operation",
        ),
        Failure.HEADERS_TOO_LARGE: FailureAnswer(
            status=431,
            body='{"Message":"Request Header Fields Too Large"}',
            source="assumed: no limit is documented; ours is the gateways' times six",
        ),
        Failure.BAD_REQUEST: FailureAnswer(status=400, body='{"Message":"Bad Request"}', source="assumed"),
        Failure.NOT_ALLOWED: FailureAnswer(
            status=403,
            body=URL_FORBIDDEN,
            error_type="AccessDeniedException",
            source="recorded: brikis98/devops-book#12",
        ),
        **URL_SIGNATURES,
    },
    "alb": {
        # load-balancer-access-logs.html lists these as reasons of its 502s: LambdaUnhandled,
        # LambdaInvalidResponse, LambdaResponseTooLarge, LambdaAccessDenied.
        Failure.FUNCTION_ERROR: _alb_502("recorded: Miserlou/Zappa#1730"),
        Failure.MALFORMED_ANSWER: _alb_502("recorded: aws/aws-lambda-go#529, adamchainz/apig-wsgi#52"),
        Failure.FUNCTION_TIMEOUT: _alb_502("recorded: Miserlou/Zappa#1730"),
        # The load balancer waits as long as the function may run: there is no limit beside that.
        Failure.INTEGRATION_TIMEOUT: _alb_502("not reached"),
        Failure.RESPONSE_TOO_LARGE: _alb_502("recorded: Miserlou/Zappa#1730; 1 MB: lambda-functions.html"),
        Failure.BODY_TOO_LARGE: _alb(
            413, "Request Entity Too Large", f"{_TROUBLESHOOTING} (413), limit lambda-functions.html (1 MB)"
        ),
        Failure.EVENT_TOO_LARGE: _alb(
            413, "Request Entity Too Large", f"{_TROUBLESHOOTING} (413), limit lambda-functions.html (1 MB)"
        ),
        Failure.HEADERS_TOO_LARGE: _alb(
            400, "Bad Request", f"{_TROUBLESHOOTING} (400: 16 K a line, 64 K in all)"
        ),
        Failure.BAD_REQUEST: _alb(400, "Bad Request", f"{_TROUBLESHOOTING} (400)"),
        Failure.NOT_ALLOWED: _alb_502("documented: load-balancer-access-logs.html (LambdaAccessDenied)"),
    },
    "vpc-lattice": {
        Failure.FUNCTION_ERROR: _LATTICE_502,
        Failure.MALFORMED_ANSWER: _LATTICE_502,
        Failure.FUNCTION_TIMEOUT: _LATTICE_502,
        Failure.INTEGRATION_TIMEOUT: _LATTICE_502,
        Failure.RESPONSE_TOO_LARGE: _LATTICE_502,
        Failure.BODY_TOO_LARGE: _LATTICE_413,
        Failure.EVENT_TOO_LARGE: _LATTICE_413,
        Failure.HEADERS_TOO_LARGE: _lattice(431, "Request Header Fields Too Large", "assumed"),
        Failure.BAD_REQUEST: _lattice(400, "Bad Request", "assumed"),
        Failure.NOT_ALLOWED: _LATTICE_502,
    },
}

# The same gateway answers, whatever the format of its events.
FAILURES["http-api-1.0"] = FAILURES["http-api"]
FAILURES["alb-multi-value"] = FAILURES["alb"]
FAILURES["websocket"] = WEBSOCKET
