"""Logs: one JSON object a line, with the request's id and never with personal data, keys or bodies."""

import logging
import sys
from secrets import token_hex

import structlog
from structlog.processors import ExceptionRenderer
from structlog.tracebacks import ExceptionDictTransformer


def configure_logging() -> None:
    """JSON lines on standard error, from INFO up. The server's access log is silenced: it writes whole URLs,
    and some clients put their key into them."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            # Without the local variables: they hold what callers sent.
            ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    access = logging.getLogger("uvicorn.access")
    access.handlers.clear()
    access.propagate = False


def new_request_id() -> str:
    """Names one request in its answer and in the log."""
    return token_hex(8)
