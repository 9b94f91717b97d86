"""Random rules and random histories. Few names, values and instants, so that much coincides."""

from typing import Any

from hypothesis import strategies as st

from tests.segment_oracle import DAY, HOUR, START, Event

NAMES = ("Order", "View", "Open")
COLOURS = ("red", "blue", "red wine", "a*b?")
NUMBERS = st.sampled_from((0, 1, 2, 3, 9.5, 10, 11.77, -4))
ORDER = st.sampled_from(("EQ", "NE", "GT", "GTE", "LT", "LTE"))
FULL = "y" * 2_000
NOTES = (FULL, FULL[1:] + "z", FULL[2:] + "z!", FULL + "y", FULL + "z", f"{FULL[1:]}z!", f"{FULL} the end")
"""As long as a text that is known whole, and longer."""
INSTANTS = st.one_of(
    st.integers(-40 * DAY, 40 * DAY),
    st.sampled_from([n * DAY for n in range(-31, 32)]),
    st.sampled_from([n * HOUR for n in range(-8, 9)]),
)

bought = st.fixed_dictionaries(
    {},
    optional={
        "sku": st.one_of(st.sampled_from(COLOURS), st.lists(st.sampled_from(COLOURS), max_size=2), st.none()),
        "price": NUMBERS,
    },
)
products = st.lists(st.one_of(bought, st.lists(bought, max_size=2), st.sampled_from(COLOURS)), max_size=3)
properties = st.fixed_dictionaries(
    {},
    optional={
        "amount": st.one_of(NUMBERS, st.just("12"), st.just(True), st.none()),
        "colour": st.one_of(st.sampled_from(COLOURS), st.lists(st.sampled_from(COLOURS), max_size=2)),
        "gift": st.booleans(),
        "products": st.one_of(products, bought),
        "note": st.sampled_from(NOTES),
    },
)


@st.composite
def histories(draw: st.DrawFn, most: int = 8) -> list[Event]:
    """Events of one person, in no order."""
    told = draw(st.lists(st.tuples(st.sampled_from(NAMES), INSTANTS, properties), max_size=most))
    return [Event(f"e{n}", name, START + at, held) for n, (name, at, held) in enumerate(told)]


@st.composite
def accounts(draw: st.DrawFn) -> list[Event]:
    """Events that all have a small amount, on few days."""
    one = st.tuples(st.sampled_from(NAMES[:2]), st.integers(-9, 9), st.sampled_from((1, 2, 9.5, 10)))
    told = draw(st.lists(one, min_size=3, max_size=8))
    return [
        Event(f"e{n}", name, START + day * DAY, {"amount": held}) for n, (name, day, held) in enumerate(told)
    ]


def compared(name: str, op: str, value: Any) -> dict[str, Any]:
    return {"property": name, "op": op, "value": value}


def present(name: str, op: str) -> dict[str, Any]:
    return {"property": name, "op": op}


def between(one: float, other: float) -> dict[str, Any]:
    return compared("amount", "BETWEEN", sorted([one, other]))


gift = st.just("gift")
amount = st.sampled_from(("amount", "amount", "products.price"))
colour = st.sampled_from(("colour", "colour", "products", "products.sku", "products[].sku"))
note = st.just("note")
single = st.sampled_from(("amount", "colour", "gift", "products.sku", "note"))
"""Of which it counts whether they are the same."""
parts = st.sampled_from((*NOTES[:3], "y", "z", "z!", "the end", "\u2026"))
texts = st.sampled_from((*COLOURS, "re", "*"))
choices = st.lists(st.sampled_from(COLOURS), min_size=1, max_size=2)
tests = st.one_of(
    st.builds(compared, amount, ORDER, NUMBERS),
    st.builds(between, NUMBERS, NUMBERS),
    st.builds(compared, colour, st.sampled_from(("EQ", "NE", "CONTAINS", "STARTS_WITH", "ENDS_WITH")), texts),
    st.builds(compared, colour, st.sampled_from(("IN", "NOT_IN")), choices),
    st.builds(compared, note, st.sampled_from(("EQ", "NE", "CONTAINS", "STARTS_WITH", "ENDS_WITH")), parts),
    st.builds(present, st.one_of(amount, colour, gift, note), st.sampled_from(("EXISTS", "MISSING"))),
    st.builds(compared, gift, st.sampled_from(("EQ", "NE")), st.booleans()),
)


@st.composite
def patterns(draw: st.DrawFn) -> dict[str, Any]:
    where = draw(st.lists(tests, max_size=2))
    return {"name": draw(st.sampled_from(NAMES)), **({"where": where} if where else {})}


PAST = [f"{which}_{unit}" for which in ("LAST", "THIS") for unit in ("WEEK", "MONTH", "YEAR")]
periods = st.sampled_from(("YESTERDAY", "TODAY", *PAST))
zones = st.sampled_from((None, "UTC", "America/New_York", "Asia/Kathmandu"))


@st.composite
def calendar_windows(draw: st.DrawFn) -> dict[str, Any]:
    zone = draw(zones)
    return {"period": draw(periods), **({"zone": zone} if zone else {})}


@st.composite
def steps(draw: st.DrawFn) -> dict[str, Any]:
    count = draw(st.sampled_from((None, None, None, 1, 2)))
    return {**draw(patterns()), **({"count": {"op": "GTE", "value": count}} if count else {})}


@st.composite
def event_rules(draw: st.DrawFn) -> dict[str, Any]:
    measure = draw(st.sampled_from(("count", "count", "sum", "avg", "min", "max", "unique", None)))
    told = draw(patterns())
    if draw(st.integers(0, 7)) == 0:
        told["name"] = "*"
    if measure == "count":
        told["count"] = {"op": draw(ORDER), "value": draw(st.integers(0, 3))}
    elif measure == "unique":
        told["unique"] = {"property": draw(single), "op": draw(ORDER), "value": draw(st.integers(0, 3))}
    elif measure:
        told[measure] = {"property": draw(amount), "op": draw(ORDER), "value": draw(NUMBERS)}
        if measure == "sum" and draw(st.booleans()):
            told["sum"]["less"] = draw(patterns())
    kind = draw(st.sampled_from(("ever", "last", "last", "fixed", "calendar")))
    if kind == "last":
        told["window"] = {"lastDays": draw(st.sampled_from((1, 2, 7, 30)))}
    elif kind == "calendar":
        told["window"] = draw(calendar_windows())
    elif kind == "fixed":
        day = draw(st.integers(1, 27))
        told["window"] = {"from": f"2026-01-{day:02}", "to": f"2026-02-{day:02}T08:00:00Z"}
    return {"event": told}


@st.composite
def sequence_rules(draw: st.DrawFn) -> dict[str, Any]:
    without = draw(st.booleans())
    found = draw(st.lists(steps(), min_size=1 if without else 2, max_size=3))
    told: dict[str, Any] = {"steps": found, "withinHours": draw(st.sampled_from((1, 24, 48, 240, 0.5)))}
    if without:
        told["without"] = draw(patterns())
    if draw(st.booleans()):
        told["strict"] = True
    if draw(st.booleans()):
        told["lastDays"] = draw(st.sampled_from((1, 7, 30)))
    if draw(st.integers(0, 3)) == 0:
        told["sameProperty"] = draw(single)
    return {"sequence": told}


@st.composite
def cadence_rules(draw: st.DrawFn) -> dict[str, Any]:
    return {"cadence": {**draw(patterns()), "times": draw(st.sampled_from((0.5, 0.8, 1, 1.5, 3)))}}


@st.composite
def net_rules(draw: st.DrawFn) -> dict[str, Any]:
    """Sums that something is taken off, in windows that nothing leaves."""
    name, other = draw(st.permutations(NAMES[:2]))
    of = {
        "property": "amount",
        "op": draw(st.sampled_from(("GT", "GTE", "LT", "LTE"))),
        "value": draw(NUMBERS),
    }
    told: dict[str, Any] = {"name": name, "sum": {**of, "less": {"name": other}}}
    if draw(st.booleans()):
        told["window"] = {"from": "2025-12-20", "to": "2026-02-01T08:00:00Z"}
    return {"event": told}


timed_rules = st.one_of(event_rules(), event_rules(), net_rules(), sequence_rules(), cadence_rules())

DECLARED: dict[str, tuple[str, ...]] = {
    "city": (),
    "age": (),
    "member": (),
    "born": (),
    "skin": ("dry", "oily"),
    "likes": (),
}
TYPES = {
    "city": "STRING",
    "age": "NUMBER",
    "member": "BOOLEAN",
    "born": "DATE",
    "skin": "ENUM",
    "likes": "LIST",
}
DATES = (
    "2026-01-05",
    "2026-01-05T08:00:00Z",
    "2026-01-04T08:00:00.001Z",
    "2025-12-06T08:00:00Z",
    "2026-01-12",
)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "city": st.sampled_from(COLOURS),
    "age": NUMBERS,
    "member": st.booleans(),
    "born": st.sampled_from(DATES),
    "skin": st.sampled_from(("dry", "oily")),
    "likes": st.lists(st.sampled_from(COLOURS), max_size=2),
}
PARTIES = ("FIRST", "SECOND", "THIRD")

attributes = st.fixed_dictionaries({}, optional={key: values for key, values in VALUES.items()})


@st.composite
def date_periods(draw: st.DrawFn) -> dict[str, Any]:
    zone, coming = draw(zones), ("TOMORROW", "NEXT_WEEK", "NEXT_MONTH", "NEXT_YEAR")
    value = draw(st.one_of(periods, st.sampled_from(coming)))
    return {"value": value, **({"zone": zone} if zone else {})}


@st.composite
def date_comparisons(draw: st.DrawFn) -> dict[str, Any]:
    """How a date compares with the present."""
    op = draw(st.sampled_from(("WITHIN_LAST", "WITHIN_NEXT", "MORE_THAN_AGO", "IN_PERIOD", "ANNIVERSARY")))
    if op == "IN_PERIOD":
        return {"op": op, **draw(date_periods())}
    days, zone = draw(st.sampled_from((0, 1, 7, 30))), draw(zones) if op == "ANNIVERSARY" else None
    return {"op": op, "value": days, **({"zone": zone} if zone else {})}


@st.composite
def attribute_rules(draw: st.DrawFn) -> dict[str, Any]:
    key = draw(st.sampled_from(sorted(VALUES)))
    single, several = VALUES[key], st.lists(VALUES[key], min_size=1, max_size=2)
    if key == "likes":
        single, several = st.sampled_from(COLOURS), st.lists(st.sampled_from(COLOURS), min_size=1, max_size=2)
    ordered = ("EQ", "NE", "GT", "GTE", "LT", "LTE")
    plain = {
        "city": ("EQ", "NE", "STARTS_WITH", "ENDS_WITH", "CONTAINS"),
        "age": ordered,
        "member": ("EQ", "NE"),
        "born": ordered,
        "skin": ("EQ", "NE"),
        "likes": ("CONTAINS",),
    }[key]
    op = draw(st.sampled_from((*plain, "EXISTS", "MISSING", "LISTED", "DAYS")))
    told: dict[str, Any] = {"key": key, "op": op}
    if op == "LISTED":
        listed = ("IN", "NOT_IN") if key in ("city", "skin", "age", "likes") else ("EXISTS", "MISSING")
        told["op"] = draw(st.sampled_from(listed))
    if op == "DAYS":
        told |= draw(date_comparisons()) if key == "born" else {"op": "EXISTS"}
    elif told["op"] in ("IN", "NOT_IN"):
        told["value"] = draw(several)
    elif told["op"] not in ("EXISTS", "MISSING"):
        told["value"] = draw(single)
    if told["op"] in ("EQ", "MISSING") and draw(st.booleans()):
        told["hasBeenForDays"] = draw(st.sampled_from((1, 7, 30)))
    if draw(st.integers(0, 3)) == 0:
        told["parties"] = draw(st.lists(st.sampled_from(PARTIES), min_size=1, max_size=2, unique=True))
    return {"attribute": told}


def identified(present: bool) -> dict[str, Any]:
    return {"identifier": {"type": "member_card", "present": present}}


CHANNELS = st.sampled_from(("email", "sms", "all"))
PURPOSES = st.sampled_from(("marketing", "third_party"))
consents = st.lists(st.tuples(CHANNELS, PURPOSES, st.sampled_from(("GRANTED", "WITHDRAWN"))), max_size=4)
"""What a person said, in order."""


def consented(channel: str, purpose: str, state: str) -> dict[str, Any]:
    return {"consent": {"channel": channel, "purpose": purpose, "state": state}}


STATES = st.sampled_from(("GRANTED", "WITHDRAWN", "NONE"))
consent_rules = st.builds(consented, CHANNELS, PURPOSES, STATES)
TAGS = ("vip", "vip/gold", "vip/gold/late", "fan")
STAGES = ("new", "regular")


def tagged(tag: str, below: bool) -> dict[str, Any]:
    return {"tag": {"tag": tag, "includeDescendants": below}}


def staged(stage: str, days: int) -> dict[str, Any]:
    return {"stage": {"lifecycle": "model", "stage": stage, "inForDays": days}}


def bucketed(salt: str, bounds: list[int]) -> dict[str, Any]:
    return {"bucket": {"salt": salt, "from": min(bounds), "to": max(bounds)}}


given_tags = st.lists(
    st.tuples(st.sampled_from(TAGS), st.sampled_from((None, 1, 7, 31))),
    max_size=3,
    unique_by=lambda one: one[0],
)
"""Tags, and for how many days."""
stages = st.sampled_from((None, *STAGES))
bounds = st.lists(st.integers(0, 9_999), min_size=2, max_size=2)
placed_rules = st.one_of(
    st.builds(tagged, st.sampled_from(TAGS), st.booleans()),
    st.builds(staged, st.sampled_from(STAGES), st.sampled_from((0, 1, 7, 31))),
    st.builds(bucketed, st.sampled_from(("a", "b", "c")), bounds),
)
identifier_rules = st.builds(identified, st.booleans())
merging_leaves = st.one_of(timed_rules, timed_rules, timed_rules, identifier_rules, placed_rules)
plain_leaves = st.one_of(
    timed_rules, timed_rules, attribute_rules(), attribute_rules(), identifier_rules, consent_rules
)


def joined(kind: str, rules: list[dict[str, Any]]) -> dict[str, Any]:
    return {kind: rules}


def denied(rule: dict[str, Any]) -> dict[str, Any]:
    return {"not": rule}


def above(below: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    several = st.lists(below, min_size=1, max_size=3)
    return st.one_of(st.builds(joined, st.sampled_from(("all", "any")), several), st.builds(denied, below))


plain_rules = st.recursive(plain_leaves, above, max_leaves=5)
"""Whose parts are conditions as they were written."""
rules = st.recursive(st.one_of(plain_leaves, plain_leaves, placed_rules), above, max_leaves=5)
merging_rules = st.recursive(merging_leaves, above, max_leaves=3)
"""Of what is told after merges and splits."""
