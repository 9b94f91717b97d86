"""Who is in a segment, as a file: a JSON object or a row for each customer, of one moment, in bounded memory."""

import csv
import io
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

import orjson

from graph.attribute_catalog import AttributeCatalog
from graph.customers import Customers
from oneid.domain.catalog import Catalog
from oneid.domain.customers import CustomerRecord
from oneid.services.audiences import AudienceService
from oneid.services.operation_run import Run
from search.members import Members

KIND: Final = "exportSegment"
"""The kind of the operation; its input is {name, rule, format, attributes, identifiers, pii}."""

MEDIA_TYPES: Final = {"NDJSON": "application/x-ndjson", "CSV": "text/csv"}
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


class SegmentExport:
    """Writes members as the file of an operation."""

    def __init__(
        self,
        audiences: AudienceService,
        members: Members,
        customers: Customers,
        catalog: AttributeCatalog,
    ) -> None:
        self._audiences = audiences
        self._members = members
        self._customers = customers
        self._catalog = catalog

    async def handle(self, run: Run) -> dict[str, Any]:
        """The operation. Raises NotFound and what else reading the rule raises."""
        told = run.input
        rule = await self._audiences.read(told["rule"], personal=told["pii"])
        total, _ = await self._audiences.count(rule)
        await run.progress(0, total)
        name = f"{told['name']}.{told['format'].lower()}"
        counts = {"members": 0}
        await run.keep(
            name, MEDIA_TYPES[told["format"]], self._written(run, await self._audiences.query(rule), counts)
        )
        return counts

    async def _written(self, run: Run, query: dict[str, Any], counts: dict[str, int]) -> AsyncIterator[bytes]:
        told = run.input
        columns = Columns(await self._catalog.current(), told["attributes"], told["identifiers"], told["pii"])
        rows = told["format"] == "CSV"
        if rows:
            yield columns.header()
        async for one_ids in self._members.of(query):
            found = await self._customers.by_one_ids(one_ids)
            records = [found[one_id] for one_id in one_ids if one_id in found]
            yield b"".join(map(columns.row if rows else columns.line, records))
            counts["members"] += len(records)
            await run.progress(counts["members"], run.state.total)


class Columns:
    """What of each customer is written: without personal data only declared attributes that are none."""

    def __init__(
        self,
        catalog: Catalog,
        attributes: Sequence[str] | None,
        identifiers: Sequence[str] | None,
        pii: bool,
    ) -> None:
        declared = [one.key for one in catalog.definitions if pii or not catalog.personal.cover(one.key)]
        wanted = declared if attributes is None else attributes
        self._attributes = [key for key in wanted if pii or key in declared]
        self._identifiers = list(identifiers or ()) if pii else []

    def header(self) -> bytes:
        return encoded(["oneId", *self._identifiers, *self._attributes])

    def row(self, record: CustomerRecord) -> bytes:
        """Values of one type of identifier are joined by semicolons; lists and places are JSON."""
        named = self._named(record)
        held = self._held(record)
        identifiers = [safe("; ".join(named[kind])) for kind in self._identifiers]
        return encoded([record.one_id, *identifiers, *(cell(held.get(key)) for key in self._attributes)])

    def line(self, record: CustomerRecord) -> bytes:
        told = {"oneId": record.one_id, "identifiers": self._named(record), "attributes": self._held(record)}
        return orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE)

    def _named(self, record: CustomerRecord) -> dict[str, list[str]]:
        return {
            kind: sorted(one.identifier.value for one in record.identifiers if one.identifier.type == kind)
            for kind in self._identifiers
        }

    def _held(self, record: CustomerRecord) -> Mapping[str, Any]:
        held = ((key, record.attributes.get(key)) for key in self._attributes)
        return {key: one.value for key, one in held if one and one.value is not None}


def encoded(cells: Sequence[str]) -> bytes:
    written = io.StringIO()
    csv.writer(written).writerow(cells)
    return written.getvalue().encode()


def cell(value: Any) -> str:
    if value is None:
        return ""
    return safe(value) if isinstance(value, str) else orjson.dumps(value).decode()


def safe(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text
