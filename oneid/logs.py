"""Structured logs: one JSON object a line on standard error, the same for every process.

No personal data: messages name entries, message ids and ONE-IDs, never identifiers or payloads. Of an exception its
class, its code and where it was raised are logged, not its text: what a store says of a fault quotes what it was given.
"""

import logging
import sys
import traceback
from collections.abc import Iterator
from types import TracebackType
from typing import Final

import structlog

from oneid.errors import OneIdError

#: Frames of one exception, the innermost.
FRAMES: Final = 20


def configure(level: int = logging.INFO) -> None:
    """Sends structlog and the standard library's loggers to one JSON formatter. Call it once, at start."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        described,
    ]
    handler = logging.StreamHandler(sys.stderr)
    renderer = structlog.processors.JSONRenderer()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    # One line a request says nothing that the metrics do not say.
    logging.getLogger("opensearch").setLevel(logging.WARNING)
    sys.excepthook = unexpected
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def described(logger: object, method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Puts what may be said of the exception of a line in its place."""
    given = event.pop("exc_info", None)
    error = (
        given[1]
        if isinstance(given, tuple)
        else given
        if isinstance(given, BaseException)
        else sys.exception()
    )
    if given and error:
        event["exception"] = "\n".join(lines(error))
    return event


def lines(error: BaseException) -> Iterator[str]:
    """The exception's class and code and where it was raised, then the same of what caused it."""
    yield name_of(error)
    for frame in traceback.extract_tb(error.__traceback__)[-FRAMES:]:
        yield f"  {frame.filename}:{frame.lineno} in {frame.name}"
    if isinstance(error, BaseExceptionGroup):
        for part in error.exceptions:
            yield from lines(part)
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause:
        yield "from"
        yield from lines(cause)


def name_of(error: BaseException) -> str:
    """Its class, and its code if it has one: ours, Neo4j's, OpenSearch's status, the system's number."""
    codes = (getattr(error, name, None) for name in ("code", "status_code", "errno"))
    code = next((code for code in codes if isinstance(code, str | int)), None)
    return type(error).__name__ if code is None else f"{type(error).__name__} {code}"


def place(error: OneIdError) -> str:
    """A business error as it may be logged: its code and the field, without the value."""
    return " ".join([error.code, ".".join(error.field)]).strip()


def unexpected(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """The end of a process, in a line like any other."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    logging.getLogger("oneid").critical("the process ends", exc_info=error)
