"""The app's logger: every line carries the request id, on Lambda and everywhere else."""

from __future__ import annotations

import logging
import time

from .context import CURRENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from logging import Logger, LogRecord


class RequestIdFilter(logging.Filter):
    """Gives each record `aws_request_id`, the name that AWS's runtime client uses too."""

    def filter(self, record: LogRecord) -> bool:
        """Always true: it adds and refuses nothing."""
        context = CURRENT.get(None)
        known = context.lambda_context if context is not None else None
        record.aws_request_id = getattr(known, "aws_request_id", None) or "-"
        return True


def make_logger(name: str, *, debug: bool) -> Logger:
    """The logger of that name, at INFO, or DEBUG in debug mode, unless the user set a level.

    On Lambda the runtime client's handler on the root logger writes the lines, in the format that
    the function is set to. Where nobody has set up logging, a handler of ours writes them to
    standard error in the runtime client's text format.
    """
    logger = logging.getLogger(name)
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.DEBUG if debug else logging.INFO)
    if not any(isinstance(one, RequestIdFilter) for one in logger.filters):
        logger.addFilter(RequestIdFilter())
    if not logger.hasHandlers():
        logger.addHandler(_handler())
    return logger


def _handler() -> logging.Handler:
    handler = logging.StreamHandler()
    formatter = logging.Formatter(
        "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s", "%Y-%m-%dT%H:%M:%S"
    )
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    handler.addFilter(RequestIdFilter())  # the logger's own filter does not see what its children write
    return handler
