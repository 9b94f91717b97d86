"""The one compiler: a rule's tree to a query of profile documents."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol, TypeAlias

from oneid.domain.messages import format_time, parse_time
from oneid.domain.segments.conditions import condition_id
from oneid.domain.segments.dates import RELATIVE, unchanged
from oneid.domain.segments.intervals import true_for_nobody
from oneid.domain.segments.rules import (
    DENIALS,
    All,
    AnyOf,
    AttributeRule,
    BucketRule,
    CadenceRule,
    ConsentRule,
    EventRule,
    HeldRule,
    IdentifierRule,
    Not,
    Op,
    PluggedRule,
    Rule,
    SegmentRule,
    SequenceRule,
    Timed,
)
from search.segments.buckets import in_buckets
from search.segments.consents import consented
from search.typed import field_of

Query: TypeAlias = dict[str, Any]

EVERYBODY: Final[Query] = {"match_all": {}}
NOBODY: Final[Query] = {"match_none": {}}
NOTHING_SETTLED: Final[Mapping[str, bool]] = {}


class Present(Protocol):
    """How a query asks what only time decides."""

    def held(self, number: int) -> Query:
        """Who has the intervals of a number now."""
        ...

    def any_held(self, numbers: Sequence[int], days: int) -> Query:
        """Who has the intervals of one of these numbers now, and has had them for so many days."""
        ...

    def relative(self, rule: AttributeRule) -> Query:
        """Whose date compares so with the present."""
        ...


class Compiler:
    """Compiles rules. `present`: for one instant, or for all of them; `numbers`: the number of each timed
    condition, by its id; `settled`: instead of a number, whether the condition is true."""

    def __init__(
        self,
        present: Present,
        numbers: Mapping[str, int],
        settled: Mapping[str, bool] = NOTHING_SETTLED,
    ) -> None:
        self._present = present
        self._numbers = numbers
        self._settled = settled

    def compile(self, rule: Rule) -> Query:
        """The query whose hits are the customers for whom the rule is true."""
        match rule:
            case All(rules):
                return {"bool": {"filter": [self.compile(one) for one in rules]}}
            case AnyOf(rules):
                return {"bool": {"should": [self.compile(one) for one in rules], "minimum_should_match": 1}}
            case Not(below):
                return denied(self.compile(below))
            case PluggedRule(below):
                return self.compile(below)
            case SegmentRule(id_, below):
                return self.compile(below) if below else {"term": {"lists": id_}}
            case _:
                return self._leaf(rule)

    def _leaf(
        self, rule: AttributeRule | IdentifierRule | Timed | HeldRule | ConsentRule | BucketRule
    ) -> Query:
        match rule:
            case AttributeRule():
                return self._attribute(rule)
            case IdentifierRule(kind, present):
                has = {"term": {"identifierTypes": kind}}
                return has if present else denied(has)
            case HeldRule(numbers, days):
                return self._present.any_held(numbers, days)
            case ConsentRule():
                return consented(rule)
            case BucketRule():
                return in_buckets(rule)
            case EventRule() | SequenceRule() | CadenceRule():
                return self._timed(rule, condition_id(rule))

    def _timed(self, rule: Timed, id_: str) -> Query:
        if id_ in self._settled:
            return EVERYBODY if self._settled[id_] else NOBODY
        query = self._present.held(self._numbers[id_])
        return denied(query) if true_for_nobody(rule) else query

    def _attribute(self, rule: AttributeRule) -> Query:
        query = self._compared(rule, DENIALS.get(rule.op, rule.op))
        if rule.parties:
            collected = [f"{rule.definition.key}={party.name}" for party in rule.parties]
            query = {"bool": {"filter": [query, {"terms": {"parties": collected}}]}}
        query = denied(query) if rule.op in DENIALS else query
        if rule.for_days:
            query = {"bool": {"filter": [query, self._present.relative(unchanged(rule))]}}
        return query

    def _compared(self, rule: AttributeRule, op: Op) -> Query:
        field, value = field_of(rule.definition), rule.value
        match op:
            case Op.EXISTS:
                return {"exists": {"field": field}}
            case Op.IN:
                return {"terms": {field: value}}
            case Op.STARTS_WITH:
                return {"prefix": {field: {"value": value}}}
            case Op.ENDS_WITH:
                return {"wildcard": {field: {"value": f"*{escaped(value)}"}}}
            case Op.CONTAINS if rule.definition.type == "STRING":
                return {"wildcard": {field: {"value": f"*{escaped(value)}*"}}}
            case Op.EQ if rule.definition.type == "DATE":
                return {"term": {field: {"value": moment(value)}}}
            case Op.EQ | Op.CONTAINS:
                return {"term": {field: {"value": value}}}
            case Op.NEAR:
                place = {"lat": value["lat"], "lon": value["lon"]}
                return {"geo_distance": {"distance": f"{value['km']}km", field: place}}
            case _ if op in RELATIVE:
                return self._present.relative(rule)
            case _:
                return {"range": {field: bounds(op, value, rule.definition.type == "DATE")}}


def bounds(op: Op, value: Any, dated: bool) -> dict[str, Any]:
    if op is Op.BETWEEN:
        low, high = (moment(one) if dated else one for one in value)
        return {"gte": low, "lte": high}
    return {op.lower(): moment(value) if dated else value}


def denied(query: Query) -> Query:
    return {"bool": {"must_not": [query]}}


def moment(value: str) -> str:
    return format_time(parse_time(value))


def escaped(text: str) -> str:
    """Text with what a wildcard query reads as signs taken literally."""
    return "".join(f"\\{letter}" if letter in "\\*?" else letter for letter in text)
