"""Every error that oneid raises on purpose.

OneIdError                 code, message, field path
├── InvalidInput           INVALID: the caller's value is wrong
│   ├── Required           REQUIRED: a value is missing
│   ├── NobodyNamed        NO_USER_ANON_ID: a message names nobody
│   └── TooLarge           TOO_LARGE: over a limit of bytes or items
├── NotFound               NOT_FOUND: nothing has this id
├── Conflict               CONFLICT: the state forbids it
│   └── VersionConflict    VERSION_CONFLICT: expectedVersion is not the current one
├── LimitExceeded          LIMIT_EXCEEDED: more than the rules allow
├── Unauthenticated        UNAUTHENTICATED: no key, or not a valid one
├── Forbidden              FORBIDDEN: the key lacks the scope
├── DeadlineExceeded       TIMEOUT: accepted, but no answer before the deadline
└── Retriable              UNAVAILABLE: try again; `retry_after` seconds
    └── Throttled          THROTTLED: too many calls
"""

from typing import ClassVar


class OneIdError(Exception):
    """A business error: `code` is stable, `field` is the path into the input."""

    code: ClassVar[str] = "INTERNAL"

    def __init__(self, message: str, *, field: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class InvalidInput(OneIdError):
    code = "INVALID"


class Required(InvalidInput):
    code = "REQUIRED"


class NobodyNamed(InvalidInput):
    code = "NO_USER_ANON_ID"


class TooLarge(InvalidInput):
    code = "TOO_LARGE"


class NotFound(OneIdError):
    code = "NOT_FOUND"


class Conflict(OneIdError):
    code = "CONFLICT"


class Cycle(Conflict):
    code = "CYCLE"


class VersionConflict(Conflict):
    code = "VERSION_CONFLICT"


class LimitExceeded(OneIdError):
    code = "LIMIT_EXCEEDED"


class Unauthenticated(OneIdError):
    code = "UNAUTHENTICATED"


class Forbidden(OneIdError):
    code = "FORBIDDEN"


class DeadlineExceeded(OneIdError):
    code = "TIMEOUT"


class Retriable(OneIdError):
    code = "UNAVAILABLE"

    def __init__(self, message: str, *, retry_after: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Throttled(Retriable):
    code = "THROTTLED"
