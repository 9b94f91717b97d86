"""Retention: policies, what they would do, and doing it."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Final

from graph.definitions import Definitions, Known, Numbers, Written
from graph.retention import RetentionPolicies
from oneid.clock import Clock
from oneid.domain.messages import format_time
from oneid.domain.operations import Operation
from oneid.domain.retention import RetentionPolicy
from oneid.errors import Conflict, LimitExceeded, NotFound
from oneid.services.audiences import AudienceService
from oneid.services.erasure import ErasureService
from oneid.services.operation_run import Run
from oneid.services.operations import OperationService
from oneid.services.previews import Preview, PreviewService
from search.members import Members

KIND: Final = "applyRetention"
"""The kind of the operation; its input is {key}, its result {erased}."""

MAX_POLICIES: Final = 50
SLICE: Final = 20
"""So many are looked at once more at a time, right before they are erased."""

Settled = Callable[[Sequence[str]], Awaitable[None]]
"""Returns when a search finds these customers as they are now."""


class RetentionService:
    """Keeps policies and begins their runs; of callers who may see everything."""

    def __init__(
        self,
        definitions: Definitions,
        policies: RetentionPolicies,
        audiences: AudienceService,
        previews: PreviewService,
        operations: OperationService,
        clock: Clock,
    ) -> None:
        self._definitions = definitions
        self._policies = policies
        self._audiences = audiences
        self._previews = previews
        self._operations = operations
        self._clock = clock

    async def define(self, policy: RetentionPolicy) -> RetentionPolicy:
        """Saves a policy in place of the one of its key.

        Raises:
            InvalidInput, TooLarge, NotFound, Cycle: with the path, also into the rule.
            LimitExceeded: there are as many as there may be.
        """
        policy.check()
        await self._audiences.read(policy.rule, personal=True)
        now = format_time(self._clock.now())

        def change(known: Known, _: Numbers) -> Written:
            policies = {one.key: one for one in known.rules.policies}
            if policy.key not in policies and len(policies) >= MAX_POLICIES:
                raise LimitExceeded(f"there are at most {MAX_POLICIES} policies", field=("key",))
            return Written(policy=policy.after(policies.get(policy.key), now))

        written = await self._definitions.change(change)
        assert written.policy is not None
        return written.policy

    async def all(self) -> list[RetentionPolicy]:
        """Every policy, in order of their keys."""
        return await self._policies.all()

    async def get(self, key: str) -> RetentionPolicy:
        """A policy by its key. Raises NotFound."""
        for policy in await self._policies.all():
            if policy.key == key:
                return policy
        raise NotFound(f"there is no policy {key}", field=("key",))

    async def delete(self, key: str) -> None:
        """Deletes a policy; whom it erased stays erased. Raises NotFound."""
        if not await self._policies.delete(key):
            raise NotFound(f"there is no policy {key}", field=("key",))

    async def preview(self, policy: RetentionPolicy, sample: int) -> Preview:
        """Whom a run would erase now; nothing is erased. Raises TooLarge and Retriable."""
        return await self._previews.preview(await self._audiences.read(policy.rule, personal=True), sample)

    async def start(self, key: str, expected: int) -> Operation:
        """Begins a run. Raises NotFound; Conflict where it would erase another number of customers than expected,
        or while a run is under way."""
        policy = await self.get(key)
        count, _ = await self._audiences.count(await self._audiences.read(policy.rule, personal=True))
        if count != expected:
            raise Conflict(f"it would erase {count} customers, not {expected}", field=("expectedCount",))
        return await self._operations.start(KIND, {"key": key}, alone=True)

    async def run_once(self) -> int:
        """Begins the daily run that is due, one at a time; how many. Raises Retriable."""
        now = self._clock.now()
        for policy in await self._policies.all():
            if policy.due(now):
                with suppress(Conflict):
                    await self._operations.start(KIND, {"key": policy.key}, alone=True)
                    await self._policies.ran(policy.key, format_time(now))
                    return 1
        return 0


class RetentionRun:
    """Carries runs out."""

    def __init__(
        self,
        policies: RetentionPolicies,
        audiences: AudienceService,
        members: Members,
        erasure: ErasureService,
        settled: Settled,
    ) -> None:
        self._policies = policies
        self._audiences = audiences
        self._members = members
        self._erasure = erasure
        self._settled = settled

    async def handle(self, run: Run) -> dict[str, Any]:
        """The operation. Raises NotFound without the policy, LimitExceeded where too many are due: nobody is erased
        then."""
        policy = next((one for one in await self._policies.all() if one.key == run.input["key"]), None)
        if policy is None:
            raise NotFound("the policy is gone")
        rule = await self._audiences.read(policy.rule, personal=True)
        total, _ = await self._audiences.count(rule)
        if total > policy.most:
            raise LimitExceeded(
                f"{total} customers are due, more than the {policy.most} that one run may erase"
            )
        erased = 0
        await run.progress(0, total)
        async for one_ids in self._members.of(await self._audiences.query(rule)):
            for some in (one_ids[low : low + SLICE] for low in range(0, len(one_ids), SLICE)):
                await self._settled(some)
                # Who did something meanwhile is not due any more.
                for one_id in await self._members.among(some, await self._audiences.query(rule)):
                    erased += await self._erase(one_id, policy)
                    await run.progress(erased, max(total, erased))
        return {"erased": erased}

    async def _erase(self, one_id: str, policy: RetentionPolicy) -> int:
        try:
            await self._erasure.erase(one_id, suppress=policy.suppress, reason=f"retention {policy.key}")
        except NotFound:
            return 0
        return 1
