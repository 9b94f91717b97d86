"""Logs of the HTTP side: refusals and faults with a request id, never personal data, keys or bodies."""

import logging
from secrets import token_hex

from oneid import logs


def configure_logging() -> None:
    """JSON lines on standard error, the server's own too. Its access log is silenced: it writes whole URLs, and some
    clients put their key into them."""
    logs.configure()
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    access = logging.getLogger("uvicorn.access")
    access.handlers.clear()
    access.propagate = False


def new_request_id() -> str:
    """Names one request in its answer and in the log."""
    return token_hex(8)
