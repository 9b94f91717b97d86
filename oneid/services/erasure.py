"""Erasing a person for good, and keeping them away."""

from contextlib import suppress as suppressing
from typing import Final
from uuid import uuid4

from neo4j import AsyncManagedTransaction

from graph import erasures, tombstones
from graph.client import Graph
from graph.receipts import Receipts
from graph.rules import read_rules
from oneid.clock import Clock, sequence
from oneid.domain.decisions import Decision, DecisionKind
from oneid.domain.erasures import Person, Receipt
from oneid.domain.identifiers import Identifier
from oneid.domain.messages import format_time, parse_time
from oneid.domain.redaction import Redactor
from oneid.domain.rules import IdentityRules
from oneid.domain.tombstones import keyed_hash
from oneid.errors import NotFound, Retriable
from oneid.log.erasure import LogErasure
from oneid.services.erasure_cleanup import SKEW, ErasureCleanup
from oneid.services.rehoming import RehomingService

TRIES: Final = 5


class ErasureService:
    """Erases people, lifts suppressions, shows receipts."""

    def __init__(
        self,
        graph: Graph,
        receipts: Receipts,
        cleanup: ErasureCleanup,
        rehoming: RehomingService,
        log: LogErasure,
        clock: Clock,
        region: str,
    ) -> None:
        self._graph = graph
        self._receipts = receipts
        self._cleanup = cleanup
        self._rehoming = rehoming
        self._log = log
        self._clock = clock
        self._region = region

    async def erase(self, one_id: str, *, suppress: bool = False, reason: str | None = None) -> str:
        """Erases whom a ONE-ID stands for, a former one too; the id of the receipt.

        The graph is clean when this returns; so are the other stores, unless one of them is away or the log is
        far behind: then a worker goes on.

        Raises:
            NotFound: nobody has this ONE-ID, any more or ever.
            Retriable: the graph is away, or events of the person are still being moved; nothing was erased.
        """
        receipt = str(uuid4())
        for _ in range(TRIES):
            if await self._try(receipt, one_id, suppress, reason):
                with suppressing(Retriable):
                    await self._cleanup.first_look(receipt)
                return receipt
            await self._rehoming.run_once()
        raise Retriable("events of this customer are being moved to another")

    async def receipt(self, id_: str) -> Receipt | None:
        return await self._receipts.get(id_)

    async def receipt_of(self, one_id: str) -> str | None:
        """The id of the receipt for whoever had this ONE-ID, if they were erased."""
        return await self._receipts.of_one_id(one_id)

    async def lift(self, identifier: Identifier) -> None:
        """Lets an identifier come back that was suppressed. Raises NotFound if it is not."""

        async def work(tx: AsyncManagedTransaction) -> bool:
            await tombstones.lock(tx)
            return await tombstones.lift(tx, keyed_hash(await tombstones.secret(tx), identifier.key))

        if not await self._graph.transact("erasures.lift", work):
            raise NotFound("this identifier is not suppressed", field=("identifier",))

    async def _try(self, id_: str, one_id: str, suppress: bool, reason: str | None) -> bool:
        """False while events of the person are on their way to or from somebody else."""

        async def work(tx: AsyncManagedTransaction) -> bool:
            if await erasures.done(tx, id_):
                return True
            await erasures.lock(tx)
            person = await erasures.find(tx, one_id)
            if person is None:
                raise NotFound("there is no such customer", field=("customer",))
            if await erasures.moving(tx, person):
                return False
            await self._erase(tx, person, id_, suppress, reason)
            return True

        return await self._graph.transact("erasures.erase", work)

    async def _erase(
        self, tx: AsyncManagedTransaction, person: Person, id_: str, suppress: bool, reason: str | None
    ) -> None:
        secret, rules = await tombstones.secret(tx), await read_rules(tx)
        at = await self._moment()
        hashed = [hashed_identifier(secret, key) for key in person.keys]
        one_ids = [keyed_hash(secret, one_id) for one_id in person.one_ids]
        await erasures.wipe(tx, person)
        await tombstones.put(tx, [identifier.value for identifier in hashed], at=at, suppress=suppress)
        receipt = Receipt(id_, at, suppress, tuple(sorted(identifier.key for identifier in hashed)))
        entry = Decision(
            id=f"erased-{id_}",
            sequence=sequence(),
            kind=DecisionKind.ERASED,
            at=at,
            message_id=None,
            rule_version=rules.version,
            one_id=id_,
            merged_one_ids=tuple(one_ids),
            dropped=tuple(hashed),
            manual=True,
            reason=self._harmless(reason, person, rules),
        )
        await erasures.record(tx, receipt, person, entry, one_ids)

    async def _moment(self) -> str:
        """Now, or as late as what waits in the log was received by a host whose clock is ahead of this one's: it
        came before. Hosts further apart than SKEW are not believed."""
        now, latest = self._clock.now(), None
        with suppressing(Retriable):
            latest = await self._log.latest()
        return format_time(max(now, min(parse_time(latest), now + SKEW)) if latest else now)

    def _harmless(self, reason: str | None, person: Person, rules: IdentityRules) -> str | None:
        """A reason that names the person says less."""
        given = {"reason": reason}
        redacted: str | None = Redactor(person.keys, rules, self._region).redact(given)["reason"]
        return redacted


def hashed_identifier(secret: bytes, key: str) -> Identifier:
    """What stands for an identifier in receipts: its type, and a keyed hash instead of its value."""
    return Identifier(Identifier.from_key(key).type, keyed_hash(secret, key))
