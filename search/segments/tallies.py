"""What everybody's events add up to at one instant, counted by the index.

The index is sorted by customer, so a page of customers costs what their events cost and not what all events do.
Numbers are added up as BigDecimal, as for totals: an answer is exact.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any, Final, TypeAlias
from zoneinfo import ZoneInfo

from oneid.domain.messages import format_time
from oneid.domain.segments.intervals import milliseconds
from oneid.domain.segments.periods import span
from oneid.domain.segments.rules import DENIALS, EventRule, Op, PropertyTest
from oneid.domain.segments.tallies import Tallied
from search.client import Search
from search.segments.histories import named
from search.totals import KEEP_ALIVE, point_in_time

Page: TypeAlias = dict[str, tuple[Tallied, ...]]
"""By ONE-ID what was counted for each rule."""

BUCKETS: Final = 20_000
"""Of one page: for each customer one, and one for each rule."""

NUMBERS: Final = {
    "init_script": "state.count = 0; state.total = BigDecimal.ZERO; state.least = null; state.most = null;",
    "map_script": """
        for (entry in doc['numbers']) {
          if (entry.startsWith(params.prefix) && entry.lastIndexOf('=') + 1 == params.prefix.length()) {
            def number = new BigDecimal(entry.substring(params.prefix.length()));
            state.count += 1;
            state.total = state.total.add(number);
            if (state.least == null || number.compareTo(state.least) < 0) { state.least = number; }
            if (state.most == null || number.compareTo(state.most) > 0) { state.most = number; }
          }
        }
    """,
    "combine_script": """
        if (state.count == 0) { return null; }
        return [state.count.toString(), state.total.toString(), state.least.toString(), state.most.toString()];
    """,
    "reduce_script": "return states;",
}


class Tallies:
    """Reads the event index. What was stored before a call is counted by it."""

    def __init__(self, search: Search, alias: str) -> None:
        self._search = search
        self._alias = alias

    async def pages(
        self, rules: Sequence[EventRule], at: datetime, among: Sequence[str] | None = None
    ) -> AsyncIterator[Page]:
        """Everybody for whom an event counts, or those `among` these ONE-IDs, in pages. Raises Retriable."""
        await self._search.request("POST", f"/{self._alias}/_refresh")
        size = BUCKETS // (1 + len(rules))
        source = {"customer": {"terms": {"field": "customer"}}}
        composite: dict[str, Any] = {"size": size, "sources": [source]}
        parts = {str(place): part(rule, at) for place, rule in enumerate(rules)}
        async with point_in_time(self._search, self._alias) as pit:
            body = {
                "pit": {"id": pit, "keep_alive": KEEP_ALIVE},
                "query": {"bool": {"filter": selected(rules, at, among)}},
                "size": 0,
                "track_total_hits": False,
                "aggs": {"customers": {"composite": composite, "aggs": parts}},
            }
            while True:
                found = (await self._search.search("", body))["aggregations"]["customers"]
                yield {bucket["key"]["customer"]: row(bucket, rules) for bucket in found["buckets"]}
                if len(found["buckets"]) < size:
                    return
                composite["after"] = found["after_key"]


def selected(rules: Sequence[EventRule], at: datetime, among: Sequence[str] | None) -> list[dict[str, Any]]:
    """The events that any of the rules counts."""
    any_of = [{"bool": {"filter": counted(rule, at)}} for rule in rules]
    of = [{"terms": {"customer": sorted(among)}}] if among is not None else []
    return [{"bool": {"should": any_of, "minimum_should_match": 1}}, *of]


def counted(rule: EventRule, at: datetime) -> list[dict[str, Any]]:
    """The events that a rule counts at an instant."""
    window = rule.window
    reach: dict[str, Any] = {"lte": format_time(at)}
    clauses = named([rule.pattern.name])
    if window.last_days is not None:
        reach["gt"] = format_time(at - timedelta(days=window.last_days))
    if window.period is not None and window.zone is not None:
        first, end = span(window.period, milliseconds(at.timestamp()), ZoneInfo(window.zone))
        clauses.append({"range": {"timestamp": {"gte": first, "lt": end, "format": "epoch_millis"}}})
    fixed = {"gte": window.since, "lt": window.until}
    ends = {end: format_time(moment) for end, moment in fixed.items() if moment}
    clauses += [{"range": {"timestamp": reach}}, *([{"range": {"timestamp": ends}}] if ends else [])]
    return [*clauses, *(tested(test) for test in rule.pattern.where)]


def tested(test: PropertyTest) -> dict[str, Any]:
    """A test of a text (`tallies.exact`)."""
    values = list(test.value) if test.op in (Op.IN, Op.NOT_IN) else [test.value]
    query = {"terms": {f"properties.{test.property}": values}}
    return {"bool": {"must_not": [query]}} if test.op in DENIALS else query


def part(rule: EventRule, at: datetime) -> dict[str, Any]:
    """The aggregation of one rule."""
    found: dict[str, Any] = {"filter": {"bool": {"filter": counted(rule, at)}}}
    if rule.property is None:
        return found
    script = {**NUMBERS, "params": {"prefix": f"{rule.property}="}}
    return {**found, "aggs": {"numbers": {"scripted_metric": script}}}


def row(bucket: dict[str, Any], rules: Sequence[EventRule]) -> tuple[Tallied, ...]:
    return tuple(tallied(bucket[str(place)], rule) for place, rule in enumerate(rules))


def tallied(found: dict[str, Any], rule: EventRule) -> Tallied:
    if rule.property is None:
        return Tallied(found["doc_count"])
    parts = [told for told in found["numbers"]["value"] if told] if found["doc_count"] else []
    return sum((summed(told) for told in parts), Tallied())


def summed(told: list[str]) -> Tallied:
    total, least, most = (Fraction(number) for number in told[1:])
    return Tallied(int(told[0]), total, least, most)
