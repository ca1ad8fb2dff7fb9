"""What Lambda does with an asynchronous invocation that fails: retries, age, and where it goes at last.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-configuring.html
"""

from __future__ import annotations

from .base import checked_int, refuse
from .names import checked_arn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class AsyncOptions:
    """`retries` 0 to 2, `maximum_age` 60 to 21,600 s, `dead_letter_queue`, `on_failure` (ARNs); None: AWS's.

    A dead-letter queue is one of SQS or a topic of SNS and gets the event; the destination of failures is one
    of SQS, SNS, Lambda, EventBridge or S3 and gets the error with it.
    """

    __slots__ = ("dead_letter_queue", "maximum_age", "on_failure", "retries")

    def __init__(
        self,
        decorator: str,
        retries: int | None = None,
        maximum_age: int | None = None,
        dead_letter_queue: str | None = None,
        on_failure: str | None = None,
    ) -> None:
        self.retries = retries
        self.maximum_age = maximum_age
        self.dead_letter_queue = dead_letter_queue
        self.on_failure = on_failure
        if retries is not None:
            checked_int(decorator, "retries", retries, 0, 2)
        if maximum_age is not None:
            checked_int(decorator, "maximum_age", maximum_age, 60, 21_600, "seconds")
        if dead_letter_queue is not None:
            checked_arn(decorator, "dead_letter_queue", dead_letter_queue, service=("sqs", "sns"))
        if on_failure is not None:
            services = ("sqs", "sns", "lambda", "events", "s3")
            checked_arn(decorator, "on_failure", on_failure, service=services)

        for keyword, arn in (("dead_letter_queue", dead_letter_queue), ("on_failure", on_failure)):
            if arn is not None and arn.endswith(".fifo"):
                # https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
                raise refuse(
                    decorator, keyword, arn, "Lambda sends to no FIFO queue or topic: name a standard one."
                )

    def __bool__(self) -> bool:
        """Was anything asked for that is not AWS's own?"""
        return any(getattr(self, name) is not None for name in self.__slots__)

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, AsyncOptions) and all(
            getattr(self, name) == getattr(other, name) for name in self.__slots__
        )

    __hash__ = None  # type: ignore[assignment]  # compared by value, never a key
