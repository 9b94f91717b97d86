"""Comparing a new profile index with the graph before it is searched, and putting right what differs.

Every customer's version is compared, and the content of a sample: a version says which state was written, and the
content that it was written as it is.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from graph.attribute_catalog import AttributeCatalog
from graph.projection import Projected, Projections
from graph.reindexing import Reindexing, Version
from oneid.domain.catalog import Catalog
from oneid.services.operation_run import Run
from search.documents import profile_document
from search.fingerprints import Fingerprint
from search.profiles import ProfileIndex

PAGE: Final = 5_000
SAMPLE: Final = 100


class ReindexCheck:
    """Walks graph and index in order of ONE-ID. Who is marked is passed over: what changes is written to both
    indexes by whoever takes the mark off."""

    def __init__(
        self, reindexing: Reindexing, marks: Projections, catalog: AttributeCatalog, index: ProfileIndex
    ) -> None:
        self._reindexing = reindexing
        self._marks = marks
        self._catalog = catalog
        self._index = index

    async def repair(self, run: Run) -> int:
        """Compares everything once; how many documents were wrong, missing or nobody's, and are put right."""
        after: str | None = ""
        repaired = 0
        while after is not None:
            versions = await self._reindexing.versions(after, PAGE)
            until = versions[-1].one_id if len(versions) == PAGE else None
            shown = await self._index.versions(after, until, page=PAGE)
            repaired += await self._mend(suspects(versions, shown))
            await run.progress(run.state.done)
            after = until
        return repaired

    async def _mend(self, one_ids: Sequence[str]) -> int:
        """Writes anew what is still wrong when both are read again, the index first: what is read of the graph
        later can only be newer."""
        there = await self._index.fingerprints(one_ids)
        customers = await self._marks.among(one_ids)
        catalog = await self._catalog.current()
        wrong = [one for one in customers if not one.dirty and differs(one, there, catalog)]
        known = {customer.record.one_id for customer in customers}
        gone = [(one_id, found.version) for one_id, found in there.items() if one_id not in known]
        gone += [(one.record.one_id, one.record.version) for one in wrong if one.merged]
        live = [one.record for one in wrong if not one.merged]
        # What the index refuses for good it will not take the next time either.
        refused = await self._index.write(live, gone, catalog) if live or gone else {}
        return len(live) + len(gone) - len(refused)


def suspects(versions: Sequence[Version], shown: Mapping[str, int]) -> list[str]:
    """Whose document is not of the version it should be or should not be there, and a sample of the others."""
    found = [
        one.one_id
        for one in versions
        if not one.dirty and shown.get(one.one_id) != (None if one.merged else one.version)
    ]
    found += sorted(shown.keys() - {one.one_id for one in versions})
    step = max(1, len(versions) // SAMPLE)
    return list(dict.fromkeys([*found, *(one.one_id for one in versions[::step])]))


def differs(customer: Projected, there: Mapping[str, Fingerprint], catalog: Catalog) -> bool:
    """Whether a customer's document is another than it should be."""
    found = there.get(customer.record.one_id)
    if customer.merged:
        return found is not None
    document = profile_document(customer.record, catalog)
    return found != Fingerprint(document["version"], document["hash"])
