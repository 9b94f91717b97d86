"""Changing the identity rules."""

import strawberry

from api.graphql.arguments import InputOf
from api.graphql.context import Info
from api.graphql.errors import BUSINESS, UserError
from api.graphql.fields import root
from api.graphql.identity.rules import IdentityRules, UpdateIdentityRulesInput
from api.graphql.scopes import Scope


@strawberry.type(description="The answer to updateIdentityRules.")
class UpdateIdentityRulesPayload:
    identity_rules: IdentityRules | None = strawberry.field(description="The rules after the change.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was changed; empty on success.")


@strawberry.type
class IdentityMutations:
    @root("Changes the identity rules for events resolved from now on.", Scope.ADMIN)
    async def update_identity_rules(
        self, info: Info, input: InputOf[UpdateIdentityRulesInput]
    ) -> UpdateIdentityRulesPayload:
        try:
            rules = await info.context.services.identity.update_rules(input.to_domain())
        except BUSINESS as error:
            return UpdateIdentityRulesPayload(identity_rules=None, user_errors=[UserError.from_domain(error)])
        return UpdateIdentityRulesPayload(identity_rules=IdentityRules.from_domain(rules), user_errors=[])
