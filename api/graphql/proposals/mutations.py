"""Searching for merges to propose, and deciding on them."""

import strawberry

from api.graphql.arguments import InputOf
from api.graphql.context import Info
from api.graphql.customers.reading import read_back
from api.graphql.customers.types import Customer
from api.graphql.errors import BUSINESS, UserError
from api.graphql.fields import mutation
from api.graphql.operations.types import Operation
from api.graphql.proposals.inputs import (
    AcceptMergeProposalInput,
    ProposeMergesInput,
    RejectMergeProposalInput,
    proposal_key,
)
from api.graphql.scopes import Scope
from oneid.services.proposals import KIND, input_of


@strawberry.type(description="The answer to proposeMerges.")
class ProposeMergesPayload:
    operation: Operation | None = strawberry.field(
        description="The search under way; its result counts customers and proposals."
    )
    user_errors: list[UserError] = strawberry.field(description="Why it was not begun; empty on success.")


@strawberry.type(description="The answer to acceptMergeProposal.")
class AcceptMergeProposalPayload:
    customer: Customer | None = strawberry.field(description="The one customer.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was merged; empty on success.")


@strawberry.type(description="The answer to rejectMergeProposal.")
class RejectMergeProposalPayload:
    rejected: bool = strawberry.field(description="Whether the two are not proposed again.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was noted; empty on success.")


@strawberry.type
class ProposalMutations:
    @mutation(
        "Compares all customers and proposes to merge those that are probably one person. Merges nothing; "
        "replaces the proposals that nobody has decided.",
        Scope.CUSTOMERS_WRITE,
    )
    async def propose_merges(self, info: Info, input: InputOf[ProposeMergesInput]) -> ProposeMergesPayload:
        try:
            wanted, scope = input_of(input.to_domain()), Scope.CUSTOMERS_WRITE
            started = await info.context.services.operations.start(
                KIND, wanted, scope=scope, actor=info.context.actor.id, alone=True
            )
        except BUSINESS as error:
            return ProposeMergesPayload(operation=None, user_errors=[UserError.from_domain(error)])
        return ProposeMergesPayload(operation=Operation.from_domain(started), user_errors=[])

    @mutation("Merges the customers of a proposal, as mergeCustomers does.", Scope.CUSTOMERS_WRITE)
    async def accept_merge_proposal(
        self, info: Info, input: InputOf[AcceptMergeProposalInput]
    ) -> AcceptMergeProposalPayload:
        services = info.context.services
        try:
            one_id = await services.proposals.accept(proposal_key(input.id), input.reason)
        except BUSINESS as error:
            return AcceptMergeProposalPayload(customer=None, user_errors=[UserError.from_domain(error)])
        return AcceptMergeProposalPayload(customer=await read_back(info.context, one_id), user_errors=[])

    @mutation("Keeps the customers of a proposal two: they are not proposed again.", Scope.CUSTOMERS_WRITE)
    async def reject_merge_proposal(
        self, info: Info, input: InputOf[RejectMergeProposalInput]
    ) -> RejectMergeProposalPayload:
        try:
            await info.context.services.proposals.reject(proposal_key(input.id), input.reason)
        except BUSINESS as error:
            return RejectMergeProposalPayload(rejected=False, user_errors=[UserError.from_domain(error)])
        return RejectMergeProposalPayload(rejected=True, user_errors=[])
