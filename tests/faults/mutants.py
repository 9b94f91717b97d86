"""Safeguards, each with the test that must notice when it is taken out."""

from dataclasses import dataclass
from typing import Final

IDENTITY, UPKEEP = "tests/integration/identity/", "tests/integration/upkeep/"
ERASURE = "tests/integration/erasure/test_erasure_in_flight.py::"


@dataclass(frozen=True)
class Mutant:
    """A safeguard taken out of one file, and the test that must notice. `alone`: on servers of its own."""

    name: str
    file: str
    safe: str
    unsafe: str
    test: str
    alone: bool = False


MUTANTS: Final = [
    Mutant(
        "an identifier may be there twice",
        "migrations/neo4j/V0001__identity.cypher",
        "CREATE CONSTRAINT identifier_key IF NOT EXISTS FOR (i:Identifier) REQUIRE i.key IS UNIQUE;",
        "CREATE INDEX identifier_key IF NOT EXISTS FOR (i:Identifier) ON (i.key);",
        IDENTITY + "test_concurrency.py::test_fifty_parallel_first_sightings_make_one_customer",
        alone=True,
    ),
    Mutant(
        "what is read of an identifier may change before it is written",
        "graph/identity.py",
        "MATCH (i:Identifier {key: key})\nREMOVE i:Locked\n",
        "MATCH (i:Identifier {key: key})\n",
        IDENTITY + "test_concurrency.py::test_who_reads_what_another_has_read_waits_until_that_one_is_done",
    ),
    Mutant(
        "a mark is taken off whatever happened meanwhile",
        "graph/projection.py",
        "WITH c, row WHERE c.version <> row[1]\nSET c:Dirty",
        "WITH c, row WHERE false\nSET c:Dirty",
        UPKEEP + "test_projection.py::test_a_change_between_reading_and_clearing_keeps_its_mark",
    ),
    Mutant(
        "an entry is forgotten before it is resolved",
        "workers/partition.py",
        '            batch = await persist(lambda: apply(entries), "resolving")',
        "            await self._log.finish(self._partition, [entry.id for entry in entries], {}, 60)\n"
        '            batch = await persist(lambda: apply(entries), "resolving")',
        IDENTITY + "test_partition_worker.py",
    ),
    Mutant(
        "an entry is forgotten before its events are stored",
        "workers/partition.py",
        '        await persist(lambda: self._service.store(batch), "storing")\n'
        '        await persist(lambda: self._service.finish(entries, batch), "finishing")',
        '        await persist(lambda: self._service.finish(entries, batch), "finishing")\n'
        '        await persist(lambda: self._service.store(batch), "storing")',
        IDENTITY + "test_partition_worker.py",
    ),
    Mutant(
        "a mark is taken off before the document is written",
        "oneid/services/projection.py",
        "        refused = await self._writer.write(live, gone)\n",
        "        await self._marks.clean({entry.record.one_id: entry.record.version for entry in batch})\n"
        "        refused = await self._writer.write(live, gone)\n",
        "tests/faults/test_projection_crashes.py",
    ),
    Mutant(
        "what was acknowledged is on the disk a second later",
        "oneid/embedded/valkey.py",
        '"appendfsync": "always"',
        '"appendfsync": "everysec"',
        "tests/faults/test_power_loss.py",
    ),
    Mutant(
        "whoever was erased comes back with what was on its way",
        "oneid/services/resolution.py",
        "received.barred = self._names_erased(received)",
        "received.barred = False",
        ERASURE + "test_entries_that_were_not_read_are_dropped",
    ),
    Mutant(
        "an older document replaces a newer one",
        "search/profiles.py",
        '"version_type": "external_gte"}\n    return Operation("index"',
        '"version_type": "force"}\n    return Operation("index"',
        UPKEEP + "test_projection.py::test_a_projector_that_comes_late_does_not_bring_back_the_old",
    ),
    Mutant(
        "a consumer that was superseded writes on",
        "graph/partitions.py",
        'row["holder"] != holder',
        "False",
        IDENTITY + "test_concurrency.py::test_a_superseded_consumer_writes_nothing",
    ),
    Mutant(
        "what was applied before a crash is applied again",
        "oneid/services/resolution.py",
        "if is_applied(received, applied):",
        "if False:",
        IDENTITY + "test_concurrency.py::test_entries_that_were_applied_before_a_crash_are_not_applied_again",
    ),
    Mutant(
        "a sticky split is forgotten",
        "oneid/domain/limits.py",
        "if separated(self._space, union):",
        "if False:",
        IDENTITY + "test_splits.py::test_a_sticky_split_is_respected_by_later_evidence",
    ),
    Mutant(
        "resolution goes on while identities are rebuilt",
        "graph/partitions.py",
        '(row["pausedUntil"] or 0) > lock',
        "False",
        IDENTITY
        + "test_reprocessing.py::test_resolution_waits_while_identities_are_rebuilt_and_goes_on_by_itself",
    ),
    Mutant(
        "events stored just after a move stay behind",
        "graph/divisions.py",
        '"last": move.again or move.gone',
        '"last": True',
        IDENTITY + "test_splits.py::test_an_event_stored_just_after_the_split_follows_by_the_second_look",
    ),
]
