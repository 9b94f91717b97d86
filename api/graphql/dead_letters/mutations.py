"""Replaying and discarding dead letters."""

import re
from typing import Final

import strawberry
import structlog

from api.graphql.arguments import InputOf
from api.graphql.context import Info
from api.graphql.errors import BUSINESS, ErrorCode, UserError
from api.graphql.fields import mutation
from api.graphql.relay import MAX_PAGE
from api.graphql.scopes import Scope
from oneid.errors import TooLarge

log = structlog.get_logger("oneid.graphql")

STREAM_ID: Final = re.compile(r"\d{1,19}-\d{1,19}", re.ASCII)


@strawberry.input(description="Dead letters to process again.")
class ReplayDeadLettersInput:
    ids: list[strawberry.ID] = strawberry.field(description="Which, at most 100.")


@strawberry.input(description="Dead letters to throw away.")
class DiscardDeadLettersInput:
    ids: list[strawberry.ID] = strawberry.field(description="Which, at most 100.")
    reason: str = strawberry.field(
        description="Why: nobody discards without a reason. Not kept, since it may name people."
    )


@strawberry.type(description="The answer to replayDeadLetters.")
class ReplayDeadLettersPayload:
    replayed: list[strawberry.ID] = strawberry.field(description="Those that were put into the log again.")
    user_errors: list[UserError] = strawberry.field(description="One for each that was not.")


@strawberry.type(description="The answer to discardDeadLetters.")
class DiscardDeadLettersPayload:
    discarded: list[strawberry.ID] = strawberry.field(description="Those that are gone.")
    user_errors: list[UserError] = strawberry.field(description="One for each that was not there.")


def known_form(ids: list[strawberry.ID]) -> list[str]:
    """The ids that can name a letter. Raises TooLarge."""
    if len(ids) > MAX_PAGE:
        raise TooLarge(f"at most {MAX_PAGE} at a time", field=("ids",))
    return list(dict.fromkeys(str(id_) for id_ in ids if STREAM_ID.fullmatch(id_)))


def missing(ids: list[strawberry.ID], done: list[str]) -> list[UserError]:
    return [
        UserError(code=ErrorCode.NOT_FOUND, field=["ids", str(n)], message="there is no such dead letter")
        for n, id_ in enumerate(ids)
        if id_ not in done
    ]


@strawberry.type
class DeadLetterMutations:
    @mutation("Puts dead letters into the log again; each is either replayed whole or stays.", Scope.ADMIN)
    async def replay_dead_letters(
        self, info: Info, input: InputOf[ReplayDeadLettersInput]
    ) -> ReplayDeadLettersPayload:
        try:
            done = await info.context.services.dead_letters.replay(known_form(input.ids))
        except BUSINESS as error:
            return ReplayDeadLettersPayload(replayed=[], user_errors=[UserError.from_domain(error)])
        replayed = [strawberry.ID(id_) for id_ in done]
        return ReplayDeadLettersPayload(replayed=replayed, user_errors=missing(input.ids, done))

    @mutation("Throws dead letters away, for good.", Scope.ADMIN)
    async def discard_dead_letters(
        self, info: Info, input: InputOf[DiscardDeadLettersInput]
    ) -> DiscardDeadLettersPayload:
        try:
            done = await info.context.services.dead_letters.discard(known_form(input.ids))
        except BUSINESS as error:
            return DiscardDeadLettersPayload(discarded=[], user_errors=[UserError.from_domain(error)])
        log.info("dead letters discarded", ids=done, key=info.context.actor.id)
        discarded = [strawberry.ID(id_) for id_ in done]
        return DiscardDeadLettersPayload(discarded=discarded, user_errors=missing(input.ids, done))
