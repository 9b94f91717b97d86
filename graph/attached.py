"""What hangs on customers: each kind of data says once what becomes of it when customers merge, split or are erased.

A module beside this one describes its data as an `Attached` and is listed in `ATTACHED`. Identity then takes care
of it in the transaction that merges, splits or erases: nothing is left behind, and nothing is done twice.
"""

from dataclasses import dataclass
from typing import Final

from graph.writes import Query


@dataclass(frozen=True, slots=True)
class Attached:
    """Statements for one kind of data; all may run twice.

    merge: `$rows` of {from, into}, ONE-IDs; both nodes exist, :MERGED_INTO is already set.
    split: `$rows` of {from, to, keys}; `keys` are the identifiers that moved to the customer `to`.
    erase: `$oneIds` of one person, former ones included; runs before the customers are deleted.
    export: `$oneIds` likewise; returns `data`, one map a row, for the person's own copy.
    """

    name: str
    merge: Query
    split: Query
    erase: Query
    export: Query


ATTACHED: Final[tuple[Attached, ...]] = ()
