"""The one compiler: a rule's tree to a query of the profile index, at an instant that is passed in."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, TypeAlias
from zoneinfo import ZoneInfo

from oneid.domain.messages import format_time, parse_time
from oneid.domain.segments.conditions import condition_id
from oneid.domain.segments.intervals import milliseconds, true_for_nobody
from oneid.domain.segments.rules import (
    DENIALS,
    All,
    AnyOf,
    AttributeRule,
    BucketRule,
    EventRule,
    IdentifierRule,
    Not,
    Op,
    Rule,
    SegmentRule,
    SequenceRule,
    Timed,
)
from search.segments.buckets import in_buckets
from search.segments.holding import holds
from search.typed import field_of

Query: TypeAlias = dict[str, Any]

EVERYBODY: Final[Query] = {"match_all": {}}


@dataclass(frozen=True, slots=True)
class Instant:
    """When a rule is asked, and the IANA time zone in which days begin."""

    at: datetime
    zone: str

    @property
    def milliseconds(self) -> int:
        return milliseconds(self.at.timestamp())

    def days(self, count: int) -> list[date]:
        """Today and the days that follow, so many."""
        today = self.at.astimezone(ZoneInfo(self.zone)).date()
        return [today + timedelta(days=number) for number in range(count + 1)]


class Compiler:
    """Compiles rules for one instant. `numbers`: the number of each timed condition, by its id."""

    def __init__(self, instant: Instant, numbers: Mapping[str, int]) -> None:
        self._instant = instant
        self._numbers = numbers

    def compile(self, rule: Rule) -> Query:
        """The query whose hits are the customers for whom the rule is true."""
        match rule:
            case All(rules):
                return {"bool": {"filter": [self.compile(one) for one in rules]}}
            case AnyOf(rules):
                return {"bool": {"should": [self.compile(one) for one in rules], "minimum_should_match": 1}}
            case Not(below):
                return denied(self.compile(below))
            case SegmentRule(id_, below):
                return self.compile(below) if below else {"term": {"lists": id_}}
            case _:
                return self._leaf(rule)

    def _leaf(self, rule: AttributeRule | IdentifierRule | Timed | BucketRule) -> Query:
        match rule:
            case AttributeRule():
                return self._attribute(rule)
            case IdentifierRule(kind, present):
                has = {"term": {"identifierTypes": kind}}
                return has if present else denied(has)
            case BucketRule():
                return in_buckets(rule)
            case EventRule() | SequenceRule():
                query = holds(self._numbers[condition_id(rule)], self._instant.milliseconds)
                return denied(query) if true_for_nobody(rule) else query

    def _attribute(self, rule: AttributeRule) -> Query:
        query = self._compared(rule, DENIALS.get(rule.op, rule.op))
        if rule.parties:
            collected = [f"{rule.definition.key}={party.name}" for party in rule.parties]
            query = {"bool": {"filter": [query, {"terms": {"parties": collected}}]}}
        return denied(query) if rule.op in DENIALS else query

    def _compared(self, rule: AttributeRule, op: Op) -> Query:
        field, value = field_of(rule.definition), rule.value
        match op:
            case Op.EXISTS:
                return {"exists": {"field": field}}
            case Op.IN:
                return {"terms": {field: value}}
            case Op.STARTS_WITH:
                return {"prefix": {field: {"value": value}}}
            case Op.CONTAINS if rule.definition.type == "STRING":
                return {"wildcard": {field: {"value": f"*{escaped(value)}*"}}}
            case Op.EQ if rule.definition.type == "DATE":
                return {"term": {field: {"value": moment(value)}}}
            case Op.EQ | Op.CONTAINS:
                return {"term": {field: {"value": value}}}
            case Op.NEAR:
                place = {"lat": value["lat"], "lon": value["lon"]}
                return {"geo_distance": {"distance": f"{value['km']}km", field: place}}
            case Op.ANNIVERSARY:
                return {"terms": {"anniversaries": self._anniversaries(rule)}}
            case _:
                return {"range": {field: self._bounds(op, value, rule.definition.type == "DATE")}}

    def _bounds(self, op: Op, value: Any, dated: bool) -> dict[str, Any]:
        now = self._instant.at
        match op:
            case Op.WITHIN_LAST:
                return {"gt": format_time(now - timedelta(days=value)), "lte": format_time(now)}
            case Op.WITHIN_NEXT:
                return {"gte": format_time(now), "lt": format_time(now + timedelta(days=value))}
            case Op.MORE_THAN_AGO:
                return {"lte": format_time(now - timedelta(days=value))}
            case Op.BETWEEN:
                low, high = (moment(one) if dated else one for one in value)
                return {"gte": low, "lte": high}
            case _:
                return {op.lower(): moment(value) if dated else value}

    def _anniversaries(self, rule: AttributeRule) -> list[str]:
        days = self._instant.days(rule.value)
        told = {f"{day:%m-%d}" for day in days}
        if any((day.month, day.day) == (2, 28) and (day + timedelta(days=1)).month == 3 for day in days):
            told.add("02-29")
        return [f"{rule.definition.key}={day}" for day in sorted(told)]


def denied(query: Query) -> Query:
    return {"bool": {"must_not": [query]}}


def moment(value: str) -> str:
    return format_time(parse_time(value))


def escaped(text: str) -> str:
    """Text with what a wildcard query reads as signs taken literally."""
    return "".join(f"\\{letter}" if letter in "\\*?" else letter for letter in text)
