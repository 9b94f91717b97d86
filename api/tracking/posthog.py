"""PostHog's protocol in Segment's words: a body becomes a batch, an event a message.

`$identify` and `$set` become identify calls, `$create_alias` an alias, everything else a track call of that
name. What any other event sets on its person is an identify call of its own, behind all others of the batch.
"""

from collections.abc import Iterator
from typing import Any, Final, cast

Event = dict[str, Any]

_IDENTIFIES: Final = ("$identify", "$set")
_ALIAS: Final = "$create_alias"
_NO_PROPERTIES: Final = ("token", "distinct_id", "$set")
_SET: Final = ":set"
"""Ends the messageId of what an event sets on its person."""


def translated(content: Any) -> Any:
    """A batch as the tracking API knows it. What is no body of PostHog's stays as it is: Jitsu's server
    clients send their batches to the same path."""
    events = _events(content)
    if events is None:
        return content
    whole: Event = content if isinstance(content, dict) else {}
    batch = [_message(event) for event in events]
    batch += [said for event in events for said in _said_besides(event)]
    return {"writeKey": _key(whole, events), "sentAt": whole.get("sent_at"), "batch": batch}


def _events(content: Any) -> list[Any] | None:
    if not isinstance(content, dict):
        return content if isinstance(content, list) else None
    body = cast(Event, content)
    if "batch" not in body:
        return [body]
    batch = body["batch"]
    return batch if isinstance(batch, list) and ("api_key" in body or "token" in body) else None


def _key(whole: Event, events: list[Any]) -> Any:
    """The project's key, which the browser client says with each event."""
    first: Event = events[0] if events and isinstance(events[0], dict) else {}
    for place in (whole, first, _properties(first)):
        for name in ("api_key", "token"):
            if place.get(name):
                return place[name]
    return None


def _message(event: Any) -> Any:
    """One event as a message; what is none is left for the validation to refuse."""
    if not isinstance(event, dict):
        return event
    given = cast(Event, event)
    properties = _properties(given)
    message = {"messageId": given.get("uuid"), "timestamp": given.get("timestamp")}
    name = given.get("event")
    if name in _IDENTIFIES:
        known = {"traits": _set(given), "anonymousId": properties.get("$anon_distinct_id")}
        return message | {"type": "identify"} | known | _person(given)
    if name == _ALIAS:
        pair = {"previousId": properties.get("distinct_id"), "userId": properties.get("alias")}
        return message | {"type": "alias"} | pair
    return message | {"type": "track", "event": name, "properties": _kept(given)} | _person(given)


def _said_besides(event: Any) -> Iterator[Event]:
    """An identify call for what an event that is no identify call itself sets on its person."""
    if not isinstance(event, dict):
        return
    given = cast(Event, event)
    if given.get("event") in _IDENTIFIES or not _set(given):
        return
    message_id = given.get("uuid")
    if isinstance(message_id, str):
        message_id += _SET
    said = {"type": "identify", "messageId": message_id, "timestamp": given.get("timestamp")}
    yield said | {"traits": _set(given)} | _person(given)


def _person(event: Event) -> Event:
    """distinct_id names a user unless the client says that nobody was identified."""
    properties = _properties(event)
    stated = event.get("distinct_id")
    distinct_id = properties.get("distinct_id") if stated is None else stated
    unknown = properties.get("$is_identified") is False or properties.get("$process_person_profile") is False
    return {"anonymousId" if unknown else "userId": distinct_id}


def _properties(event: Event) -> Event:
    given = event.get("properties")
    return cast(Event, given) if isinstance(given, dict) else {}


def _kept(event: Event) -> Any:
    given = event.get("properties")
    if not isinstance(given, dict):
        return given
    return {name: value for name, value in cast(Event, given).items() if name not in _NO_PROPERTIES}


def _set(event: Event) -> Any:
    return event.get("$set") or _properties(event).get("$set")
