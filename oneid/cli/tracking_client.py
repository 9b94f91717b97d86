"""Segment's own client, used so that nothing it is given is lost without a word.

The client's queue drops what it has no room for, and its background thread tells nobody but a callback. Here
it builds and checks the messages, and its request path, with the client's retries, sends batches from the
caller's own thread: each batch has an answer before the next one goes.
"""

import json
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from queue import Queue
from typing import Any, Final, cast

from requests import RequestException
from segment.analytics.client import Client
from segment.analytics.consumer import Consumer
from segment.analytics.request import APIError, parse_retry_after

from oneid.clock import monotonic
from oneid.domain.imports.presets import Call
from oneid.errors import InvalidInput, OneIdError, TooLarge

BATCH: Final = 100
BATCH_BYTES: Final = 475_000
"""Limits of the client's batches."""

FIRST_PATIENCE: Final = 5
"""Seconds of trying to reach a server that has not answered yet."""

Wire = dict[str, Any]
"""A message as the client sends it."""


class NotSent(OneIdError):
    """The server could not be reached, or refused the batch as a whole."""

    code = "UNAVAILABLE"


@dataclass(frozen=True, slots=True)
class Refusal:
    """The message at `index` of a batch was refused; `path` is the field in it, "" where none is to blame."""

    index: int
    path: str
    reason: str


class TrackingClient:
    """Segment's client against one server. Safe to use from several threads."""

    def __init__(self, url: str, write_key: str, patience: int = 120) -> None:
        """`patience`: seconds of trying again before a batch counts as not sent, once the server has answered;
        before that a few tell a wrong address."""
        quiet = logging.NullHandler()
        self._client = Client(write_key, host=url, send=False, sync_mode=True, log_handler=quiet)
        self._consumer = Consumer(
            Queue(), write_key, host=url, retries=1_000, timeout=30, max_total_backoff_duration=FIRST_PATIENCE
        )
        self._patience = patience

    def message(self, call: Call) -> tuple[Wire, int]:
        """The message of a call and its size in bytes. Raises TooLarge."""
        # The client insists on one of its two ids; a person known by phone or card alone has neither.
        nobody = call.user_id is None and call.anonymous_id is None
        named = {"user_id": call.user_id, "anonymous_id": "-" if nobody else call.anonymous_id}
        given = {"context": call.context, "timestamp": call.timestamp, "message_id": call.message_id}
        try:
            if call.type == "track":
                _, built = self._client.track(event=call.event, properties=call.body, **named, **given)
            else:
                _, built = self._client.identify(traits=call.body, **named, **given)
        except RuntimeError:
            raise TooLarge("the message is over the client's limit of 32 KB") from None
        message = cast("Wire", built) | {"anonymousId": call.anonymous_id}
        return message, len(json.dumps(message))

    def send(self, batch: Sequence[Wire]) -> list[Refusal]:
        """Sends a batch; the server has stored what is not refused. Raises NotSent."""
        deadline = monotonic() + self._patience
        while True:
            try:
                answer = self._consumer.request(list(batch))
                self._consumer.max_total_backoff_duration = self._patience
                return _refusals(answer.json())
            except APIError as error:
                refused = _refusals_of(error)
                if refused:
                    return refused
                if not getattr(error, "rate_limited", False) or monotonic() > deadline:
                    raise NotSent(f"the server refused: {error.message} ({error.status})") from None
                time.sleep(parse_retry_after(error.response) or 1)
            except RequestException as error:
                raise NotSent(f"the server cannot be reached: {error}") from None


def _refusals_of(error: APIError) -> list[Refusal]:
    """What the server said against each message, where all were bad: that answer is a 400."""
    if error.status != 400 or error.response is None:
        return []
    try:
        return _refusals(error.response.json())
    except ValueError:
        return []


def _refusals(answer: Any) -> list[Refusal]:
    errors: list[dict[str, Any]] = answer.get("errors") or []
    return [Refusal(found["index"], found.get("field") or "", found["message"]) for found in errors]


def raise_unless_plain(url: str) -> str:
    """The server's address without a path. Raises InvalidInput."""
    if not url.startswith(("http://", "https://")):
        raise InvalidInput(f"{url!r} is no address: write http://host:port", field=("source",))
    return url.rstrip("/")
