"""What a rule means, by brute force: reads rules as callers write them and shares no code with the product."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from itertools import combinations, pairwise
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

DAY = 86_400_000
HOUR = 3_600_000
START = 1_767_600_000_000  # 2026-01-05T08:00:00Z

ZONE = "UTC"
"""Where no rule says otherwise."""

KNOWN = 2_000
"""The characters that are known of a text."""

WRITTEN = {"FIRST": START, "SECOND": START - 7 * DAY, "THIRD": START + 8 * HOUR - 30 * DAY}
"""When each party's attributes were written."""


@dataclass
class Event:
    """`at`: milliseconds since 1970."""

    id: str
    name: str
    at: int
    properties: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass
class Person:
    """`attributes`: by key the value and the name of the party that collected it; `consents`: what was said of a
    channel and a purpose, in order; `tags`: from and until when which were given; `stage`: in which since when."""

    attributes: dict[str, tuple[Any, str]] = field(default_factory=dict[str, tuple[Any, str]])
    identifiers: set[str] = field(default_factory=set[str])
    events: list[Event] = field(default_factory=list[Event])
    consents: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])
    tags: list[tuple[str, int, int | None]] = field(default_factory=list[tuple[str, int, int | None]])
    stage: tuple[str, int] | None = None
    one_id: str = ""


def is_member(rule: dict[str, Any], person: Person, now: int) -> bool:
    """Whether the rule is true for a person at an instant."""
    ((kind, told),) = rule.items()
    if kind == "all":
        return all(is_member(one, person, now) for one in told)
    if kind == "any":
        return any(is_member(one, person, now) for one in told)
    if kind == "not":
        return not is_member(told, person, now)
    if kind == "identifier":
        wanted: bool = told.get("present", True)
        return (told["type"] in person.identifiers) == wanted
    if kind == "attribute":
        return attribute(told, person, now)
    if kind in PLAIN:
        return PLAIN[kind](told, person, now)
    happened = [event for event in person.events if event.at <= now]
    if kind == "cadence":
        return cadence(told, happened, now)
    return event_rule(told, happened, now) if kind == "event" else sequence(told, happened, now)


def tag(told: dict[str, Any], person: Person, now: int) -> bool:
    below = f"{told['tag']}/" if told.get("includeDescendants") else "\0"
    return any(
        (path == told["tag"] or path.startswith(below)) and since <= now and (until is None or now < until)
        for path, since, until in person.tags
    )


def stage(told: dict[str, Any], person: Person, now: int) -> bool:
    if person.stage is None or person.stage[0] != told["stage"]:
        return False
    return now - int(told.get("inForDays", 0)) * DAY >= person.stage[1]


def bucket(told: dict[str, Any], person: Person, now: int) -> bool:
    """Of the drawing of a salt: (factor * customer + shift) modulo 2^31 - 1, and of that the last four digits."""
    prime = 2**31 - 1
    customer = int(sha256(person.one_id.encode()).hexdigest()[:16], 16) % prime
    salt = sha256(told["salt"].encode()).hexdigest()
    factor, shift = 1 + int(salt[:16], 16) % (prime - 1), int(salt[16:32], 16) % prime
    return bool(told["from"] <= (factor * customer + shift) % prime % 10_000 <= told["to"])


def consent(told: dict[str, Any], person: Person, now: int) -> bool:
    last = "NONE"
    for channel, purpose, state in person.consents:
        if purpose == told["purpose"] and channel in (told["channel"], "all"):
            last = state
    return last == str(told.get("state", "GRANTED"))


PLAIN = {"consent": consent, "tag": tag, "stage": stage, "bucket": bucket}


def attribute(told: dict[str, Any], person: Person, now: int) -> bool:
    value, party = person.attributes.get(told["key"], (None, ""))
    if days := told.get("hasBeenForDays"):
        return bool(party) and now >= WRITTEN[party] + days * DAY and attribute(lasting(told), person, now)
    if told.get("parties") and party not in told["parties"]:
        value = None
    if told["op"] == "CONTAINS" and isinstance(value, list):
        return told["value"] in value  # an entry of the list, not a part of one
    if told["op"] == "IN_PERIOD":
        return value is not None and in_period(told["value"], instant(value), now, told.get("zone") or ZONE)
    if told["op"] == "ANNIVERSARY":
        return value is not None and returns(value, told["value"], now, told.get("zone") or ZONE)
    return tested(told["op"], value, told.get("value"), now)


def returns(written: str, ahead: int, now: int, zone: str) -> bool:
    """Whether today or one of so many days after it has the month and the day of a date."""
    today = datetime.fromtimestamp(now / 1000, ZoneInfo(zone)).date()
    at = datetime.fromisoformat(written)
    day = (at.astimezone(ZoneInfo(ZONE)) if at.tzinfo else at).date()
    coming = [today + timedelta(days=number) for number in range(ahead + 1)]
    return any((one.month, one.day) == (day.month, day.day) for one in coming)


def in_period(period: str, at: int, now: int, zone: str) -> bool:
    """Counts the days, weeks, months or years between two instants on the calendar."""
    place = {"YESTERDAY": -1, "TODAY": 0, "TOMORROW": 1, "LAST": -1, "THIS": 0, "NEXT": 1}
    which, _, unit = period.partition("_")
    told, present = (datetime.fromtimestamp(one / 1000, ZoneInfo(zone)).date() for one in (at, now))
    return numbered(unit, told) - numbered(unit, present) == place[which]


def numbered(unit: str, day: date) -> int:
    """Units with a number that grows by one from each to the next."""
    if unit == "WEEK":
        return (day - timedelta(days=day.isoweekday() - 1)).toordinal() // 7
    return {"MONTH": day.year * 12 + day.month, "YEAR": day.year}.get(unit, day.toordinal())


def lasting(told: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in told.items() if key != "hasBeenForDays"}


def tested(op: str, value: Any, wanted: Any, now: int) -> bool:
    held = opened(value)
    if op == "MISSING":
        return not held
    if op in ("NE", "NOT_IN"):
        return not any(one_passes({"NE": "EQ", "NOT_IN": "IN"}[op], one, wanted, now) for one in held)
    return any(one_passes(op, one, wanted, now) for one in held)


def one_passes(op: str, one: Any, wanted: Any, now: int) -> bool:
    if op == "EXISTS":
        return True
    if op == "IN":
        return any(one == other and type(one) is type(other) for other in wanted)
    if op in ("WITHIN_LAST", "MORE_THAN_AGO", "WITHIN_NEXT"):
        return relative(op, instant(one), wanted * DAY, now)
    if op in ("CONTAINS", "STARTS_WITH", "ENDS_WITH"):
        places = {
            "CONTAINS": slice(None),
            "STARTS_WITH": slice(len(wanted)),
            "ENDS_WITH": slice(-len(wanted), None),
        }
        if op == "ENDS_WITH" and len(str(one)) > KNOWN:
            return False
        return isinstance(one, str) and wanted in one[:KNOWN][places[op]]
    if op == "EQ":
        return bool(comparable(one) == comparable(wanted)) and isinstance(one, bool) == isinstance(
            wanted, bool
        )
    low, high = wanted if op == "BETWEEN" else (wanted, wanted)
    if isinstance(one, bool) or isinstance(comparable(one), str) != isinstance(comparable(low), str):
        return False
    return ordered(op, comparable(one), comparable(low), comparable(high))


def ordered(op: str, one: Any, low: Any, high: Any) -> bool:
    outcomes = {"GT": one > low, "GTE": one >= low, "LT": one < low, "LTE": one <= low}
    return bool({**outcomes, "BETWEEN": low <= one <= high, "EQ": one == low, "NE": one != low}[op])


def comparable(value: Any) -> Any:
    """Dates as instants, numbers exactly, everything else as it is."""
    if isinstance(value, str) and len(value) >= 10 and value[4:5] == value[7:8] == "-":
        return Decimal(instant(value))
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Decimal(repr(value))
    return value


def instant(text: str) -> int:
    at = datetime.fromisoformat(text)
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)


def relative(op: str, at: int, span: int, now: int) -> bool:
    if op == "WITHIN_LAST":
        return now - span < at <= now
    return at <= now - span if op == "MORE_THAN_AGO" else now <= at < now + span


def event_rule(told: dict[str, Any], events: Iterable[Event], now: int) -> bool:
    found = [
        event for event in events if pattern(told, event) and in_window(told.get("window") or {}, event, now)
    ]
    measure = next((m for m in ("sum", "avg", "min", "max", "unique", "count") if m in told), None)
    if measure is None:
        return bool(found)
    wanted = told[measure]
    if measure == "count":
        return ordered(wanted["op"], len(found), wanted["value"], wanted["value"])
    raw = [at_path(event, wanted["property"]) for event in found]
    if measure == "unique":
        kinds = {kind(one) for one in raw if isinstance(one, str | int | float)}
        return ordered(wanted["op"], len(kinds), wanted["value"], wanted["value"])
    numbers = decimals(raw)
    if "less" in wanted:
        taken = [e for e in events if pattern(wanted["less"], e)]
        taken = [e for e in taken if in_window(told.get("window") or {}, e, now)]
        numbers += [-one for one in decimals([at_path(e, wanted["property"]) for e in taken])]
    limit = Decimal(repr(wanted["value"]))
    if measure == "sum":
        return ordered(wanted["op"], sum(numbers, Decimal()), limit, limit)
    if not numbers:
        return False
    if measure == "avg":
        scaled = limit * len(numbers)
        return ordered(wanted["op"], sum(numbers, Decimal()), scaled, scaled)
    return ordered(wanted["op"], min(numbers) if measure == "min" else max(numbers), limit, limit)


def kind(value: Any) -> tuple[bool, bool, Any]:
    """What is the same for values that are: true is not 1, and a long text is none of the known length."""
    if isinstance(value, str):
        return False, len(value) > KNOWN, value[:KNOWN]
    return type(value) is bool, False, value


def decimals(raw: list[Any]) -> list[Decimal]:
    return [Decimal(repr(one)) for one in raw if isinstance(one, int | float) and not isinstance(one, bool)]


def cadence(told: dict[str, Any], happened: list[Event], now: int) -> bool:
    """By the definition of the median: half of the gaps are no shorter, half are no longer."""
    instants = sorted({event.at for event in happened if pattern(told, event)})
    if len(instants) < 2:
        return False
    gaps = [Decimal(later - earlier) for earlier, later in pairwise(instants)]
    return now - instants[-1] >= Decimal(repr(told["times"])) * median(gaps)


def pattern(told: dict[str, Any], event: Event) -> bool:
    tests = told.get("where") or []
    named = told["name"] in ("*", event.name)
    return named and all(tested(t["op"], at_path(event, t["property"]), t.get("value"), 0) for t in tests)


def at_path(event: Event, path: str) -> Any:
    """A property, step by step: what it comes to behind a list is a list."""
    found, several = [event.properties], False
    for name in path.replace("[]", "").split("."):
        several = several or any(isinstance(one, list) for one in found)
        found = [one[name] for one in opened(found) if isinstance(one, dict) and name in one]
    return found if several else next(iter(found), None)


def opened(value: Any) -> list[Any]:
    """A value as a list without lists in it, and without what holds nothing."""
    if isinstance(value, list):
        return [entry for one in value for entry in opened(one)]
    return [] if empty(value) else [value]


def empty(value: Any) -> bool:
    """Whether nothing is told: null, or an object or a list of nothing else."""
    if isinstance(value, dict | list):
        return all(map(empty, value.values() if isinstance(value, dict) else value))
    return value is None


def in_window(window: dict[str, Any], event: Event, now: int) -> bool:
    if "lastDays" in window:
        return event.at > now - int(window["lastDays"]) * DAY
    if "period" in window:
        return in_period(window["period"], event.at, now, window.get("zone") or ZONE)
    after = "from" not in window or event.at >= instant(window["from"])
    return after and ("to" not in window or event.at < instant(window["to"]))


def sequence(told: dict[str, Any], happened: list[Event], now: int) -> bool:
    """Steps that are counted are as many steps; those of one value are all that there is to each of them."""
    steps = [one for one in told["steps"] for _ in range(one.get("count", {"value": 1})["value"])]
    told = {**told, "steps": steps}
    if "sameProperty" not in told:
        return done(told, happened, now)
    kinds = [kind(at_path(e, told["sameProperty"])) for e in happened]
    return any(
        done(told, [e for e, kind in zip(happened, kinds, strict=True) if kind == wanted], now)
        for wanted in kinds
        if isinstance(wanted[2], str | int | float)
    )


def done(told: dict[str, Any], happened: list[Event], now: int) -> bool:
    patterns = [*told["steps"], *([told["without"]] if "without" in told else [])]
    names = {one["name"] for one in patterns}
    events = sorted((e for e in happened if e.name in names), key=lambda e: e.at)
    limit = round(told["withinHours"] * HOUR)
    since = now - told["lastDays"] * DAY if "lastDays" in told else -(10**18)
    for chosen in combinations(range(len(events)), len(told["steps"])):
        if completes(told, events, chosen, limit):
            at = done_at(told, events, chosen[-1], limit)
            if at is not None and since < at <= now:
                return True
    return False


def completes(told: dict[str, Any], events: list[Event], chosen: tuple[int, ...], limit: int) -> bool:
    if told.get("strict") and chosen[-1] - chosen[0] != len(chosen) - 1:
        return False
    if events[chosen[-1]].at - events[chosen[0]].at > limit:
        return False
    return all(pattern(step, events[n]) for step, n in zip(told["steps"], chosen, strict=True))


def done_at(told: dict[str, Any], events: list[Event], last: int, limit: int) -> int | None:
    """When it is complete; None if what should not happen did."""
    at = events[last].at
    if "without" not in told:
        return at
    after = (event for event in events[last + 1 :] if event.at <= at + limit)
    return None if any(pattern(told["without"], event) for event in after) else at + limit
