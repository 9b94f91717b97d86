"""How much one query may ask: the index refuses more clauses than its cluster allows."""

from collections.abc import Sequence
from typing import Any, Final

from search.client import Parameters, Search

SETTING: Final = ("indices", "query", "bool", "max_clause_count")
USUAL: Final = 1_024

LISTS: Final = ("filter", "should", "must", "must_not")


class ClauseLimit:
    """Asks the cluster once."""

    def __init__(self, search: Search) -> None:
        self._search = search
        self._most: int | None = None

    async def most(self) -> int:
        """How many clauses a query may have. Raises Retriable."""
        if self._most is None:
            params: Parameters = {"include_defaults": True, "filter_path": f"*.{'.'.join(SETTING)}"}
            # Where settings are nobody's business the usual limit is the safe guess.
            answer = await self._search.request("GET", "/_cluster/settings", params=params, ignore=(401, 403))
            told = (told_in(answer, (kind, *SETTING)) for kind in ("transient", "persistent", "defaults"))
            self._most = int(next((one for one in told if one), USUAL))
        return self._most


def told_in(answer: Any, path: Sequence[str]) -> Any:
    for name in path:
        answer = answer.get(name) if isinstance(answer, dict) else None
    return answer


def clauses(query: dict[str, Any]) -> int:
    """How many clauses the index counts in a compiled rule: what stands at the ends of its tree."""
    told = query.get("bool")
    if not isinstance(told, dict):
        return 1
    return sum(clauses(one) for kind in LISTS for one in told.get(kind, ()))
