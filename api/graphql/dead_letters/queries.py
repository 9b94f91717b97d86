"""Listing dead letters."""

from typing import Final

import strawberry

from api.graphql.context import Info
from api.graphql.dead_letters.types import DeadLetter
from api.graphql.fields import root
from api.graphql.relay import After, Connection, First, decode_cursor, encode_cursor, page
from api.graphql.scopes import Scope

CURSOR: Final = "deadLetter"


@strawberry.type
class DeadLetterQueries:
    @root("Messages that could not be processed, the first to fail first.", Scope.ADMIN)
    async def dead_letters(
        self, info: Info, first: First = None, after: After = None
    ) -> Connection[DeadLetter]:
        asked = page(first, after)
        start = decode_cursor(CURSOR, after, int, int)
        letters = info.context.services.dead_letters
        found = await letters.page(asked.size + 1, f"{start[0]}-{start[1]}" if start else None)
        shown = [DeadLetter.from_domain(letter, info.context.reader) for letter in found[: asked.size]]
        items = [(encode_cursor(CURSOR, *map(int, letter.id.split("-"))), letter) for letter in shown]
        return Connection[DeadLetter].of(
            items, has_next=len(found) > asked.size, has_previous=start is not None, count=letters.count
        )
