"""Writing profiles to wherever they are searched, now or soon."""

from collections.abc import Sequence

from graph.attribute_catalog import AttributeCatalog
from graph.reindexing import Reindexing
from oneid.domain.customers import CustomerRecord
from search.profile_rebuild import ProfileRebuild
from search.profiles import ProfileIndex


class ProfileWriter:
    """Writes to the profile index and, while a new one is in the making, to that one, too.

    The note about the new one is read after the customers: where there is none yet, the new index is filled from
    what the graph says later, which is what was read here or newer. The new index is written first: if it is gone
    by then, it has just taken the place of the other one, or was given up.
    """

    def __init__(
        self,
        reindexing: Reindexing,
        catalog: AttributeCatalog,
        profiles: ProfileIndex,
        rebuild: ProfileRebuild,
    ) -> None:
        self._reindexing = reindexing
        self._catalog = catalog
        self._profiles = profiles
        self._rebuild = rebuild

    async def write(self, live: Sequence[CustomerRecord], gone: Sequence[tuple[str, int]]) -> dict[str, str]:
        """Puts the documents of live customers and deletes those of former ones (ONE-ID, version), which were
        read before. A newer version that is there already stays. Returns what was refused, ONE-ID to reason.
        Raises Retriable."""
        # Read after the customers, too: who was marked by a declaration is written as it says.
        catalog = await self._catalog.current()
        refused: dict[str, str] = {}
        if await self._reindexing.any():
            refused = await self._rebuild.copy(live, gone, catalog)
        return refused | await self._profiles.write(live, gone, catalog)
