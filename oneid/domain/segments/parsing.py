"""From what a caller wrote to the tree: every refusal names the place in the rule."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from oneid.domain.catalog import Catalog, is_date, is_number
from oneid.domain.computations import COUNTS
from oneid.domain.consents import ConsentState, key_of
from oneid.domain.customers import DataParty
from oneid.domain.messages import format_time, parse_time
from oneid.domain.segments.counts import counted
from oneid.domain.segments.histories import exact
from oneid.domain.segments.operators import (
    ATTRIBUTE_OPS,
    MAX_DAYS,
    MEASURE_OPS,
    PROPERTY_OPS,
    attribute_fault,
    property_fault,
    whole,
)
from oneid.domain.segments.periods import PAST, Period
from oneid.domain.segments.rules import (
    ANY_NAME,
    All,
    AnyOf,
    AttributeRule,
    BucketRule,
    CadenceRule,
    ConsentRule,
    EventPattern,
    EventRule,
    IdentifierRule,
    Measure,
    Not,
    Op,
    PluggedRule,
    PropertyTest,
    Rule,
    SegmentRule,
    SequenceRule,
    Window,
)
from oneid.errors import InvalidInput, NotFound, TooLarge

MAX_DEPTH: Final = 8
MAX_NODES: Final = 100
MAX_TESTS: Final = 20
MAX_STEPS: Final = 10
MAX_TIMES: Final = 100
WHOLE: Final = frozenset({Measure.COUNT, Measure.UNIQUE})
BUCKETS: Final = 10_000
NEVER_SAID: Final = "NONE"
NO_STEP: Final = ("sum", "avg", "min", "max", "unique", "window")
STEADY: Final = frozenset({Op.EQ, Op.MISSING})
"""Operators that are true exactly as long as the value does not change."""

ZONED: Final = frozenset({Op.ANNIVERSARY, Op.IN_PERIOD})

Path = tuple[str, ...]
Json = Mapping[str, Any]


class Referenced(Protocol):
    """The segment that a rule names by id or key; `hidden`: the rule of a tag or of a stage will do, too. Raises
    NotFound or InvalidInput with the path."""

    def __call__(self, name: str, path: Path, *, hidden: bool = False) -> SegmentRule: ...


def no_segments(name: str, path: Path, *, hidden: bool = False) -> SegmentRule:
    raise NotFound(f"there is no segment {name}", field=path)


class Parser:
    """Parses one rule. `catalog`: the attributes that there are; `segments`: the other segments; `plugs`: the
    conditions of other modules, by name; `zone`: the IANA time zone of periods for which a rule names none."""

    def __init__(
        self,
        catalog: Catalog,
        segments: Referenced = no_segments,
        plugs: "Plugs | None" = None,
        zone: str = "UTC",
    ) -> None:
        self._catalog = catalog
        self._segments = segments
        self._plugs = plugs or {}
        self._zone = zone
        self._nodes = 0

    def parse(self, written: Any, path: Path = ("rule",)) -> Rule:
        """The tree. Raises InvalidInput, TooLarge or NotFound with the path of the node at fault."""
        return self._rule(written, path, 1)

    def segment(self, name: str, path: Path) -> SegmentRule:
        """The rule of a tag or of a stage by its id. Raises NotFound or Conflict with the path."""
        return self._segments(name, path, hidden=True)

    def _rule(self, written: Any, path: Path, depth: int) -> Rule:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise TooLarge(f"a rule has at most {MAX_NODES} nodes", field=path)
        if depth > MAX_DEPTH:
            raise TooLarge(f"a rule nests at most {MAX_DEPTH} levels", field=path)
        if not isinstance(written, Mapping) or len(written) != 1:
            raise InvalidInput("must be an object with exactly one kind of condition", field=path)
        ((kind, given),) = written.items()
        return self._node(kind, given, (*path, kind), depth)

    def _node(self, kind: str, given: Any, path: Path, depth: int) -> Rule:
        match kind:
            case "all" | "any":
                return (All if kind == "all" else AnyOf)(self._several(given, path, depth))
            case "not":
                return Not(self._rule(given, path, depth + 1))
            case "segment":
                return self._segments(text(given, path), path)
            case "attribute":
                return self._attribute(record(given, path), path)
            case _ if kind in self._plugs:
                return PluggedRule(self._plugs[kind](self, record(given, path), path))
            case _:
                return localised(leaf(kind, given, path), self._zone)

    def _several(self, given: Any, path: Path, depth: int) -> tuple[Rule, ...]:
        if not isinstance(given, list) or not given:
            raise InvalidInput("must be a list of at least one rule", field=path)
        return tuple(self._rule(one, (*path, str(n)), depth + 1) for n, one in enumerate(given))

    def _attribute(self, given: Json, path: Path) -> Rule:
        key = text(given.get("key"), (*path, "key"))
        definition = self._catalog.by_key.get(key)
        if definition is None:
            raise NotFound(f"no attribute {key} is declared", field=(*path, "key"))
        op = operator(given.get("op"), (*path, "op"))
        if op not in ATTRIBUTE_OPS[definition.type]:
            raise InvalidInput(f"{key} is a {definition.type}, which has no {op}", field=(*path, "op"))
        value = given.get("value")
        if fault := attribute_fault(definition, op, value):
            raise InvalidInput(fault, field=(*path, "value"))
        named, days = given.get("parties") or [], given.get("hasBeenForDays")
        lasting = 0 if days is None else day_count(days, (*path, "hasBeenForDays"))
        if lasting and op not in STEADY:
            message = (
                f"of {op} it is not known since when it is true; a stage of a lifecycle knows (inForDays)"
            )
            raise InvalidInput(message, field=(*path, "hasBeenForDays"))
        zone = zone_of(given.get("zone"), (*path, "zone"))
        if zone and op not in ZONED:
            raise InvalidInput(f"days don't decide {op}", field=(*path, "zone"))
        rule = AttributeRule(definition, op, value, tuple(DataParty[one] for one in named), lasting, zone)
        computed = self._catalog.computed.get(key)
        return counted(rule) if computed and computed.aggregate in COUNTS else rule


Plug = Callable[[Parser, Json, Path], Rule]
"""Parses the condition of one name. It may answer with any tree: mostly with conditions that there are."""

Plugs = Mapping[str, Plug]


@dataclass(frozen=True, slots=True)
class Brought:
    """The conditions that a module brings, and the ids of the segments that they may bring in."""

    plugs: Plugs
    segments: Sequence[str] = ()


def leaf(kind: str, given: Any, path: Path) -> Rule:
    if kind not in LEAVES:
        raise InvalidInput(f"there is no condition {kind}", field=path)
    return LEAVES[kind](record(given, path), path)


def localised(rule: Rule, zone: str) -> Rule:
    """A rule with the time zone of its period."""
    if not isinstance(rule, EventRule) or rule.window.period is None or rule.window.zone:
        return rule
    return replace(rule, window=replace(rule.window, zone=zone))


def identifier(given: Json, path: Path) -> IdentifierRule:
    return IdentifierRule(text(given.get("type"), (*path, "type")), given.get("present") is not False)


def bucket(given: Json, path: Path) -> BucketRule:
    first: Any = given.get("from")
    last: Any = given.get("to")
    if not whole(first, 0, BUCKETS - 1):
        raise InvalidInput(f"must be a whole number, 0 to {BUCKETS - 1}", field=(*path, "from"))
    if not whole(last, 0, BUCKETS - 1) or last < first:
        raise InvalidInput(f"must be a whole number from `from` to {BUCKETS - 1}", field=(*path, "to"))
    return BucketRule(text(given.get("salt"), (*path, "salt")), first, last)


def consent(given: Json, path: Path) -> ConsentRule:
    told = given.get("state", ConsentState.GRANTED)
    if told not in (*ConsentState, NEVER_SAID):
        raise InvalidInput("must be GRANTED, WITHDRAWN or NONE", field=(*path, "state"))
    state = None if told == NEVER_SAID else ConsentState(told)
    channel = key_of(given.get("channel"), (*path, "channel"))
    return ConsentRule(channel, key_of(given.get("purpose"), (*path, "purpose")), state)


def event(given: Json, path: Path) -> EventRule:
    measures = [measure for measure in Measure if given.get(measure) is not None]
    if len(measures) > 1:
        raise InvalidInput(
            "measure one thing: count, sum, avg, min, max or unique", field=(*path, measures[1])
        )
    measure = measures[0] if measures else Measure.COUNT
    place = (*path, measure)
    told = record(given.get(measure) or {"op": "GTE", "value": 1}, place)
    op = operator(told.get("op"), (*place, "op"))
    if op not in MEASURE_OPS:
        raise InvalidInput(f"a measure has no {op}", field=(*place, "op"))
    value: Any = told.get("value")
    if not is_number(value) or (measure in WHOLE and not whole(value, 0, 2**31)):
        raise InvalidInput("must be a number, of a count a whole one from 0", field=(*place, "value"))
    measured = None if measure is Measure.COUNT else text(told.get("property"), (*place, "property"))
    window = window_of(given.get("window") or {}, (*path, "window"))
    less = told.get("less")
    if less is not None and measure is not Measure.SUM:
        raise InvalidInput("only from a sum something is taken off", field=(*place, "less"))
    refunds = None if less is None else pattern(record(less, (*place, "less")), (*place, "less"))
    return EventRule(
        pattern(given, path, any_name=True), measure, measured, op, exact(value), window, refunds
    )


def cadence(given: Json, path: Path) -> CadenceRule:
    times: Any = given.get("times")
    if not is_number(times) or not 0 < times <= MAX_TIMES:
        raise InvalidInput(f"must be a number above 0 and up to {MAX_TIMES}", field=(*path, "times"))
    return CadenceRule(pattern(given, path), exact(times))


def pattern(given: Json, path: Path, *, any_name: bool = False) -> EventPattern:
    tests = given.get("where") or []
    if not isinstance(tests, list) or len(tests) > MAX_TESTS:
        raise InvalidInput(f"must be a list of at most {MAX_TESTS} tests", field=(*path, "where"))
    where = [property_test(one, (*path, "where", str(n))) for n, one in enumerate(tests)]
    name = text(given.get("name"), (*path, "name"))
    if name == ANY_NAME and not any_name:
        raise InvalidInput("must be the name of an event", field=(*path, "name"))
    return EventPattern(name, tuple(where))


def property_test(given: Any, path: Path) -> PropertyTest:
    told = record(given, path)
    op = operator(told.get("op"), (*path, "op"))
    value = told.get("value")
    if op not in PROPERTY_OPS:
        raise InvalidInput(f"a property has no {op}", field=(*path, "op"))
    if fault := property_fault(op, value):
        raise InvalidInput(fault, field=(*path, "value"))
    kept = tuple(value) if isinstance(value, list) else value
    return PropertyTest(text(told.get("property"), (*path, "property")), op, kept)


def window_of(given: Any, path: Path) -> Window:
    told = record(given, path)
    days, since, until = told.get("lastDays"), told.get("from"), told.get("to")
    period, zone = told.get("period"), zone_of(told.get("zone"), (*path, "zone"))
    if sum((days is not None, period is not None, since is not None or until is not None)) > 1:
        fault = "period" if days is None else "lastDays"
        raise InvalidInput("give lastDays, or a period, or from and to", field=(*path, fault))
    if zone and period is None:
        raise InvalidInput("only a period has a time zone", field=(*path, "zone"))
    if days is not None:
        return Window(last_days=day_count(days, (*path, "lastDays")))
    if period is not None:
        if period not in PAST:
            message = f"must be one of {', '.join(one for one in Period if one in PAST)}"
            raise InvalidInput(message, field=(*path, "period"))
        return Window(period=Period(period), zone=zone)
    window = Window(None, moment(since, (*path, "from")), moment(until, (*path, "to")))
    if window.since and window.until and window.since >= window.until:
        raise InvalidInput("must be after `from`", field=(*path, "to"))
    return window


def sequence(given: Json, path: Path) -> SequenceRule:
    steps = given.get("steps")
    without = given.get("without")
    if not isinstance(steps, list):
        raise InvalidInput("must be a list of steps", field=(*path, "steps"))
    told = [one for n, step in enumerate(steps) for one in repeated(step, (*path, "steps", str(n)))]
    least = 2 if without is None else 1
    if not least <= len(told) <= MAX_STEPS:
        message = f"must be {least} to {MAX_STEPS} steps, each as often as it is counted"
        raise InvalidInput(message, field=(*path, "steps"))
    hours: Any = given.get("withinHours")
    days = given.get("lastDays")
    if not is_number(hours) or not 0 < hours <= 24 * MAX_DAYS:
        raise InvalidInput("must be a number of hours above 0", field=(*path, "withinHours"))
    same = given.get("sameProperty")
    return SequenceRule(
        tuple(told),
        exact(hours),
        strict=given.get("strict") is True,
        without=pattern(record(without, (*path, "without")), (*path, "without")) if without else None,
        last_days=None if days is None else day_count(days, (*path, "lastDays")),
        same=None if same is None else text(same, (*path, "sameProperty")),
    )


def repeated(given: Any, path: Path) -> list[EventPattern]:
    """A step, as often as its count says."""
    told = record(given, path)
    for name in NO_STEP:
        if told.get(name) is not None:
            raise InvalidInput(f"a step of a sequence has no {name}", field=(*path, name))
    place = (*path, "count")
    count = record(told.get("count") or {"op": "GTE", "value": 1}, place)
    if count.get("op") != Op.GTE:
        raise InvalidInput("a step is done at least so often: GTE", field=(*place, "op"))
    times: Any = count.get("value")
    if not whole(times, 1, MAX_STEPS):
        raise InvalidInput(f"must be a whole number, 1 to {MAX_STEPS}", field=(*place, "value"))
    return [pattern(told, path)] * times


def day_count(given: Any, path: Path) -> int:
    if not whole(given, 1, MAX_DAYS):
        raise InvalidInput(f"must be a whole number of days, 1 to {MAX_DAYS}", field=path)
    days: int = given
    return days


def zone_of(given: Any, path: Path) -> str | None:
    """An IANA time zone, as far as one is named."""
    if given is None:
        return None
    try:
        return ZoneInfo(text(given, path)).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidInput(f"there is no time zone {given}", field=path) from None


def moment(given: Any, path: Path) -> datetime | None:
    if given is None:
        return None
    if not is_date(given):
        raise InvalidInput("must be a date such as 2026-03-01T08:00:00Z", field=path)
    # As exact as what is stored.
    return parse_time(format_time(parse_time(given)))


def operator(given: Any, path: Path) -> Op:
    try:
        return Op(given)
    except ValueError:
        raise InvalidInput(f"there is no operator {given}", field=path) from None


def text(given: Any, path: Path) -> str:
    if not isinstance(given, str) or not 0 < len(given) <= 200:
        raise InvalidInput("must be a text of 1 to 200 characters", field=path)
    return given


def record(given: Any, path: Path) -> Json:
    if not isinstance(given, Mapping):
        raise InvalidInput("must be an object", field=path)
    found: Json = given
    return found


LEAVES: Final[Mapping[str, Callable[[Json, Path], Rule]]] = {
    "identifier": identifier,
    "event": event,
    "sequence": sequence,
    "cadence": cadence,
    "consent": consent,
    "bucket": bucket,
}
