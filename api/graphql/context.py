"""What resolvers are given: who asks, the services, and loaders that live as long as one operation."""

from dataclasses import dataclass, field, replace
from typing import TypeAlias
from uuid import uuid4

import strawberry

from api.graphql.loaders import Loaders
from api.graphql.masking import Reader, masks_of
from api.graphql.scopes import Scope, holds
from oneid.bootstrap import Services
from oneid.domain.keys import Actor
from oneid.services.rates import Rate


def new_request_id() -> str:
    """What an error and its log line have in common."""
    return uuid4().hex


@dataclass(slots=True)
class Usage:
    """What the key may still ask, once that is known."""

    rate: Rate | None = None


NOBODY = Actor("", "", frozenset())


@dataclass(slots=True)
class Context:
    """One operation's context. A WebSocket has one for the connection, from which each operation's is made.

    `secret` is the key's text, checked again while a stream lasts; `reader`: what the caller sees of personal data;
    `of_socket`: of a WebSocket; `usage`: what the caller may still ask; `connection_params` is set by strawberry.
    """

    services: Services
    loaders: Loaders
    sandbox: bool
    actor: Actor = NOBODY
    secret: str = field(default="", repr=False)
    request_id: str = field(default_factory=new_request_id)
    operation_name: str | None = None
    streaming: bool = False
    of_socket: bool = False
    usage: Usage = field(default_factory=Usage)
    reader: Reader = field(default_factory=Reader)
    connection_params: dict[str, object] = field(default_factory=dict[str, object])

    def for_operation(self, name: str | None, *, streaming: bool) -> "Context":
        """A copy with loaders of its own: what one operation has read is old news to the next. Each operation of a
        WebSocket has a request id of its own."""
        request_id = new_request_id() if self.of_socket else self.request_id
        return replace(
            self,
            loaders=Loaders(self.services),
            operation_name=name,
            streaming=streaming,
            request_id=request_id,
        )

    async def authenticate(self, secret: str) -> None:
        """Makes the key's owner the actor. Raises Unauthenticated, Throttled, Retriable."""
        self.secret = secret
        await self.check_key()

    async def check_key(self) -> None:
        """Raises Unauthenticated once the key is revoked or has expired."""
        self.actor = await self.services.keys.authenticate_secret(self.secret)
        self.reader = await self._reader()

    async def _reader(self) -> Reader:
        if self.pii:
            return Reader(pii=True)
        rules = await self.services.identity.recent_rules()
        return Reader(keys=(await self.services.attributes.catalog()).personal, masks=masks_of(rules))

    def forget(self) -> None:
        """Drops what was read: the next event of a stream reads again."""
        self.loaders = Loaders(self.services)

    @property
    def pii(self) -> bool:
        """Whether personal data may be shown."""
        return holds(self.actor, Scope.PII_READ)

    @property
    def introspection(self) -> bool:
        """Open in a sandbox, else for `admin` only."""
        return self.sandbox or Scope.ADMIN in self.actor.scopes


Info: TypeAlias = strawberry.Info[Context, None]
