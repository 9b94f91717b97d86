"""Declared attributes in the profile index: each has a field of its own type, `typed.<type>.<key>`.

The type is a part of the name, so that a field which was mapped for a definition that then lost against another
one never stands in the way: a mapping can only grow.
"""

from collections.abc import Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

from oneid.domain.attributes import Attributes
from oneid.domain.catalog import AttributeDefinition, AttributeType, Catalog
from oneid.domain.messages import format_time, parse_time
from oneid.domain.segments.dates import day_of, since
from search.client import Search

_KEYWORD: Final = {"type": "keyword", "ignore_above": 8191}

MAPPINGS: Final[Mapping[AttributeType, dict[str, Any]]] = {
    AttributeType.STRING: _KEYWORD,
    AttributeType.ENUM: _KEYWORD,
    AttributeType.LIST: _KEYWORD,
    AttributeType.NUMBER: {"type": "double"},
    AttributeType.BOOLEAN: {"type": "boolean"},
    AttributeType.DATE: {"type": "date", "format": "strict_date_optional_time"},
    AttributeType.GEO: {"type": "geo_point"},
}


async def declare(
    search: Search, alias: str, definition: AttributeDefinition, *, ignore: tuple[int, ...] = ()
) -> None:
    """Gives an attribute its field; doing it again changes nothing. `ignore`: 404 where there may be no index."""
    fields = merged(definition, since(definition))
    await search.request("PUT", f"/{alias}/_mapping", {"properties": {"typed": fields}}, ignore=ignore)


def merged(*definitions: AttributeDefinition) -> dict[str, Any]:
    """The mapping of the fields of definitions, by type."""
    by_type: dict[str, Any] = {}
    for definition in definitions:
        of_type = by_type.setdefault(definition.type.lower(), {"properties": {}})
        of_type["properties"][definition.key] = MAPPINGS[definition.type]
    return {"properties": by_type}


def field_of(definition: AttributeDefinition) -> str:
    """The name of an attribute's field."""
    return f"typed.{definition.type.lower()}.{definition.key}"


def typed_values(attributes: Attributes, catalog: Catalog) -> dict[str, dict[str, Any]]:
    """The declared attributes by type and key. A value from before the declaration may not fit: it is left out."""
    found: dict[str, dict[str, Any]] = {}
    for definition in catalog.definitions:
        held = attributes.get(definition.key)
        if held and held.value is not None and definition.misfit(held.value) is None:
            of_type = found.setdefault(definition.type.lower(), {})
            of_type[definition.key] = _indexed(definition.type, held.value)
    return found


def unchanged_dates(attributes: Attributes, catalog: Catalog) -> dict[str, str]:
    """Since when each declared attribute has its value, or has none any more (`dates.since`)."""
    held = (
        (since(catalog.by_key[key]).key, found) for key, found in attributes.items() if key in catalog.by_key
    )
    return {key: found.unchanged_since for key, found in held}


def parties(attributes: Attributes, catalog: Catalog) -> list[str]:
    """Who collected each declared attribute: `key=FIRST`."""
    held = ((definition.key, attributes.get(definition.key)) for definition in catalog.definitions)
    return [f"{key}={found.party.name}" for key, found in held if found and found.value is not None]


def written_dates(attributes: Attributes, catalog: Catalog) -> dict[str, str]:
    """The declared dates as they were written, and since when each declared attribute is so, by key."""
    return {**declared_dates(attributes, catalog), **unchanged_dates(attributes, catalog)}


def declared_dates(attributes: Attributes, catalog: Catalog) -> dict[str, str]:
    """The declared dates as they were written, by key."""
    dates = [one for one in catalog.definitions if one.type is AttributeType.DATE]
    held = ((one, attributes.get(one.key)) for one in dates)
    told = {one.key: found.value for one, found in held if found and one.misfit(found.value) is None}
    return {key: value for key, value in told.items() if value}


def anniversaries(attributes: Attributes, catalog: Catalog) -> list[str]:
    """The month and day of each declared date (`dates.day_of`): `key=03-31`."""
    zone, dates = ZoneInfo(catalog.zone), declared_dates(attributes, catalog)
    return [f"{key}={day_of(value, zone):%m-%d}" for key, value in dates.items()]


def _indexed(kind: AttributeType, value: Any) -> Any:
    return format_time(parse_time(value)) if kind is AttributeType.DATE else value
