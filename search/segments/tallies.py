"""Of whom a condition on events is otherwise than of somebody without any, counted by the index.

A script goes through the events that count and holds what each customer's come to, so that a condition costs what
its events cost: a bucket for each customer costs five times as much. It holds as many customers as it is asked for,
which are therefore asked for in ranges. Numbers are added up as BigDecimal, as for totals: an answer is exact.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from oneid.domain.messages import format_time
from oneid.domain.segments.intervals import milliseconds, true_for_nobody
from oneid.domain.segments.periods import span
from oneid.domain.segments.rules import DENIALS, EventRule, Measure, Op, PropertyTest
from oneid.domain.segments.tallies import signs
from search.client import Search
from search.ranges import Range, within
from search.segments.histories import named

KEEP: Final = """
void keep(Map of, String customer, BigDecimal number, String measure) {
  BigDecimal kept = of.get(customer);
  if (kept == null) { of.put(customer, number); }
  else if (measure == 'min') { of.put(customer, kept.min(number)); }
  else if (measure == 'max') { of.put(customer, kept.max(number)); }
  else { of.put(customer, kept.add(number)); }
}
"""

# An average is above a value where the numbers less the value come to more than nothing. What travels between servers
# is one text, with a word and a number for each customer: a map of so many costs as much as the counting.
METRIC: Final = {
    "init_script": """
        state.of = new HashMap();
        state.value = new BigDecimal(params.numerator);
        state.unit = new BigDecimal(params.denominator);
    """,
    "map_script": f"""
        {KEEP}
        def customers = doc['customer'];
        if (customers.size() == 0) {{ return; }}
        String customer = customers.value;
        if (params.owners.size() > 0) {{ customer = params.owners.getOrDefault(customer, customer); }}
        if (customer.isEmpty()) {{ return; }}
        if (params.prefix.isEmpty()) {{ keep(state.of, customer, BigDecimal.ONE, params.measure); return; }}
        for (entry in doc['numbers']) {{
          if (entry.startsWith(params.prefix) && entry.lastIndexOf('=') + 1 == params.prefix.length()) {{
            BigDecimal number = new BigDecimal(entry.substring(params.prefix.length()));
            if (params.measure == 'avg') {{ number = number.multiply(state.unit).subtract(state.value); }}
            keep(state.of, customer, number, params.measure);
          }}
        }}
    """,
    "combine_script": """
        def told = new StringBuilder();
        for (entry in state.of.entrySet()) {
          told.append(entry.getKey()).append(' ').append(entry.getValue().toString()).append(';');
        }
        return told.toString();
    """,
    "reduce_script": f"""
        {KEEP}
        def of = new HashMap();
        for (told in states) {{
          for (entry in told == null ? new String[0] : told.splitOnToken(';')) {{
            int end = entry.indexOf(' ');
            if (end < 0) {{ continue; }}
            keep(of, entry.substring(0, end), new BigDecimal(entry.substring(end + 1)), params.measure);
          }}
        }}
        boolean average = params.measure == 'avg';
        BigDecimal value = average ? BigDecimal.ZERO : new BigDecimal(params.numerator);
        BigDecimal unit = average ? BigDecimal.ONE : new BigDecimal(params.denominator);
        def otherwise = [];
        for (entry in of.entrySet()) {{
          BigDecimal number = entry.getValue();
          int sign = number.multiply(unit).compareTo(value);
          if (params.signs.contains(sign) != params.usual) {{ otherwise.add(entry.getKey()); }}
        }}
        return otherwise;
    """,
}


class Tallies:
    """Reads the event index. What was stored before a refresh is counted."""

    def __init__(self, search: Search, alias: str) -> None:
        self._search = search
        self._alias = alias

    async def refresh(self) -> None:
        """Makes everything stored so far count."""
        await self._search.request("POST", f"/{self._alias}/_refresh")

    async def otherwise(
        self, rules: Sequence[EventRule], at: datetime, among: Range, aside: Sequence[str]
    ) -> list[list[str]]:
        """For each rule those in a range, without those `aside`, of whom it is otherwise than of somebody without
        events. Raises Retriable."""
        return await self._asked(rules, at, within("customer", among), dict.fromkeys(aside, ""))

    async def otherwise_of(
        self, rules: Sequence[EventRule], at: datetime, owners: Mapping[str, str]
    ) -> list[list[str]]:
        """The same for some. `owners`: whose the events under each ONE-ID are. Raises Retriable."""
        return await self._asked(rules, at, {"terms": {"customer": sorted(owners)}}, owners)

    async def _asked(
        self, rules: Sequence[EventRule], at: datetime, of: dict[str, Any], owners: Mapping[str, str]
    ) -> list[list[str]]:
        found: list[list[str]] = []
        for rule in rules:
            query = {"bool": {"filter": [of, *counted(rule, at)]}}
            body = {
                "query": query,
                "size": 0,
                "track_total_hits": False,
                "aggs": {"otherwise": metric(rule, owners)},
            }
            answer = await self._search.search(self._alias, body)
            found.append(answer["aggregations"]["otherwise"]["value"] or [])
        return found


def metric(rule: EventRule, owners: Mapping[str, str]) -> dict[str, Any]:
    """The aggregation that finds them among the events that a rule counts."""
    numerator, denominator = rule.value.as_integer_ratio()
    params = {
        "owners": owners,
        "measure": rule.measure,
        "prefix": "" if rule.measure is Measure.COUNT else f"{rule.property}=",
        "numerator": str(numerator),
        "denominator": str(denominator),
        "signs": signs(rule),
        "usual": true_for_nobody(rule),
    }
    return {"scripted_metric": {**METRIC, "params": params}}


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
