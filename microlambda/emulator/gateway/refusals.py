"""What a caller gets whom an authorizer or his signature does not let in: rows of the table of failures.

The sources speak as they do there.
"""

from __future__ import annotations

from dataclasses import replace

from microlambda.emulator.gateway.failure import OF_SIGNATURES, Failure, FailureAnswer

_GATEWAY_RESPONSES = "documented: supported-gateway-response-types.html"
_MISMATCH = (
    '{"message":"The request signature we calculated does not match the signature you provided. Check your '
    'AWS Secret Access Key and signing method. Consult the service documentation for details."}'
)
_UNKNOWN = '{"message":"The security token included in the request is invalid."}'
_FORBIDDEN = '{"message":"Forbidden"}'
URL_FORBIDDEN = (
    '{"Message":"Forbidden. For troubleshooting Function URL authorization issues, see: '
    'https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"}'
)

# "Message", where all others have "message", is recorded: aws/chalice#971.
REST_AUTHORIZERS = {
    Failure.UNAUTHORIZED: FailureAnswer(
        status=401,
        body='{"message":"Unauthorized"}',
        error_type="UnauthorizedException",
        source=f"recorded: loige.co/debugging-custom-apigateway-authorizers; {_GATEWAY_RESPONSES}",
    ),
    Failure.NO_SCOPE: FailureAnswer(
        status=403,
        body=_FORBIDDEN,
        error_type="ForbiddenException",
        source=f"{_GATEWAY_RESPONSES} (ACCESS_DENIED, of a Cognito authorizer); wording assumed",
    ),
    Failure.DENIED: FailureAnswer(
        status=403,
        body='{"Message":"User is not authorized to access this resource with an explicit deny in an '
        'identity-based policy"}',
        error_type="AccessDeniedException",
        source="recorded: masslight/ottehr#8267; before 2024 without its last words, as in "
        "repost.aws/knowledge-center/api-gateway-403-error-lambda-authorizer",
    ),
    Failure.NOT_PERMITTED: FailureAnswer(
        status=403,
        body='{"Message":"User is not authorized to access this resource because no identity-based policy '
        'allows the execute-api:Invoke action"}',
        error_type="AccessDeniedException",
        source="recorded in the answers of several public APIs in 2026; before 2024 without the reason: "
        "aws/chalice#971",
    ),
    Failure.AUTHORIZER_FAILED: FailureAnswer(
        status=500,
        body='{"message":null}',
        error_type="AuthorizerConfigurationException",
        source="recorded: loige.co/debugging-custom-apigateway-authorizers, serverless/examples#305",
    ),
}
REST_SIGNATURES = {
    Failure.UNSIGNED: FailureAnswer(
        status=403,
        body='{"message":"Missing Authentication Token"}',
        error_type="MissingAuthenticationTokenException",
        source="recorded: floci-io/floci, its design of resource policies (R7)",
    ),
    Failure.INCOMPLETE_SIGNATURE: FailureAnswer(
        status=403,
        body='{"message":"Incomplete signature"}',
        error_type="IncompleteSignatureException",
        is_told=True,
        source="recorded: amazon-archives/aws-cognito-angular-quickstart#50; it echoes a hash by now",
    ),
    Failure.UNKNOWN_KEY: FailureAnswer(
        status=403,
        body=_UNKNOWN,
        error_type="UnrecognizedClientException",
        source="recorded: kndt84/aws-api-gateway-client#31",
    ),
    Failure.WRONG_SIGNATURE: FailureAnswer(
        status=403,
        body=_MISMATCH,
        error_type="InvalidSignatureException",
        is_told=True,
        source="recorded: mhart/aws4#16, #118 (dates), r7kamura/aws-signer-v4#1 (services); AWS adds the "
        "canonical request, which may hold secrets and is left out",
    ),
}
_HTTP_403 = FailureAnswer(
    status=403, body=_FORBIDDEN, source="recorded: anomalyco/sst#6336, aws/aws-cdk#21182 (AWS_IAM)"
)
HTTP_AUTHORIZERS = {
    Failure.UNAUTHORIZED: FailureAnswer(
        status=401, body='{"message":"Unauthorized"}', source="documented: http-api-troubleshooting-jwt.html"
    ),
    **dict.fromkeys(
        (Failure.NO_SCOPE, Failure.DENIED, Failure.NOT_PERMITTED),
        FailureAnswer(
            status=403,
            body=_FORBIDDEN,
            source="documented: http-api-lambda-authorizer.html (403); RFC 6750 3.1 for scopes; wording "
            "that of AWS_IAM",
        ),
    ),
    Failure.AUTHORIZER_FAILED: FailureAnswer(
        status=500, body='{"message":"Internal Server Error"}', source="recorded: aws/aws-cdk#18352"
    ),
}
HTTP_SIGNATURES = dict.fromkeys(OF_SIGNATURES, _HTTP_403)

URL_SIGNATURES = {
    Failure.UNSIGNED: FailureAnswer(
        status=403,
        body=URL_FORBIDDEN,
        error_type="AccessDeniedException",
        source="status documented: urls-auth.html; wording that of a URL that nobody may call",
    ),
    Failure.INCOMPLETE_SIGNATURE: replace(
        REST_SIGNATURES[Failure.INCOMPLETE_SIGNATURE], source="assumed, as REST APIs"
    ),
    Failure.UNKNOWN_KEY: replace(
        REST_SIGNATURES[Failure.UNKNOWN_KEY], source="recorded: jamesmbourne/aws4-axios#1553"
    ),
    Failure.WRONG_SIGNATURE: replace(
        REST_SIGNATURES[Failure.WRONG_SIGNATURE], source="recorded: minorun365/html-share#4"
    ),
}
#: What refuses the handshake of a WebSocket API; it says no more than the status.
WEBSOCKET = {
    **REST_AUTHORIZERS,
    **dict.fromkeys(
        OF_SIGNATURES,
        replace(_HTTP_403, source="status documented: apigateway-websocket-control-access-iam.html"),
    ),
}
