"""What a kind of data that hangs on customers must say about itself."""

from dataclasses import dataclass

from graph.writes import Query


@dataclass(frozen=True, slots=True)
class Attached:
    """Statements for one kind of data; all may run twice.

    merge: `$rows` of {from, into}, ONE-IDs; both nodes exist, :MERGED_INTO is already set.
    split: `$rows` of {from, to, keys}; `keys` are the identifiers that moved to the customer `to`.
    erase: `$oneIds` of one person, former ones included; runs before the customers are deleted.
    export: `$oneIds` likewise; returns `data`, one map a row and none with `kind`, for the person's copy.
    json: the entries of `data` that are JSON texts, or null.
    forget: `$keys` that the person had, where the data of others may name them: identifiers move, by unlinking or
      a transfer, and what hangs on a customer stays as history. Runs once the person is gone.
    """

    name: str
    merge: Query
    split: Query
    erase: Query
    export: Query
    json: tuple[str, ...] = ()
    forget: Query | None = None
