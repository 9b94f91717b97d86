"""The HTTP application: `uvicorn api.app:app`."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib import resources
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from api.answers import Answer
from api.graphql.asgi import create_graphql_app
from api.health import Readiness, healthz, metrics
from api.logging import configure_logging
from api.results import Results
from api.tracking.configuration import ROUTES as CONFIGURATION_ROUTES
from api.tracking.cors import cors_headers
from api.tracking.endpoint import TrackingEndpoint
from api.tracking.paths import PATHS
from oneid import bootstrap
from oneid.bootstrap import Services
from oneid.memory import spare_the_collector
from oneid.settings import Settings

OpenServices = Callable[[], AbstractAsyncContextManager[Services]]

GRAPHQL_PATHS: Final = ("/graphql", "/graphql/")


class Application:
    """Hands tracking and GraphQL calls straight to their applications and the rest to Starlette, which also
    opens and closes the services. Nothing is ever redirected: clients do not follow."""

    def __init__(self, open_services: OpenServices) -> None:
        self._open_services = open_services
        self._fast: dict[str, ASGIApp] = {}
        self._rest = Starlette(
            routes=[
                Route("/healthz", healthz),
                Route("/metrics", metrics),
                Route("/schema.graphql", schema),
                *CONFIGURATION_ROUTES,
            ],
            lifespan=self._lifespan,
            exception_handlers={HTTPException: refused},
        )
        self._rest.router.redirect_slashes = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._fast.get(scope["path"], self._rest) if "path" in scope else self._rest
        await app(scope, receive, send)

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncGenerator[None]:
        async with self._open_services() as services:
            results = Results(services.keys, services.operations)
            self._rest.router.routes += [
                Route("/readyz", Readiness(services.checks).answer),
                Route("/operations/{id}/result", results.answer),
            ]
            tracking = TrackingEndpoint(services.keys, services.ingestion)
            self._fast = dict.fromkeys(PATHS, tracking)
            self._fast |= dict.fromkeys(GRAPHQL_PATHS, create_graphql_app(services))
            yield
            self._fast = {}


async def schema(request: Request) -> Response:
    """The admin schema as SDL."""
    return PlainTextResponse(resources.files("api").joinpath("schema.graphql").read_text(encoding="utf-8"))


async def refused(request: Request, error: Exception) -> Response:
    """Starlette's own refusals, such as an unknown path, in our form."""
    assert isinstance(error, HTTPException)
    code = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED"}.get(error.status_code, "INVALID")
    answer = Answer.json(error.status_code, {"code": code, "message": error.detail})
    response = answer.response(cors_headers(dict(request.scope["headers"])))
    response.headers.update(error.headers or {})
    return response


def create_app(open_services: OpenServices | None = None) -> Application:
    """The application; its services are opened when it starts, from the environment unless given."""
    return Application(open_services or from_environment)


@asynccontextmanager
async def from_environment() -> AsyncGenerator[Services]:
    """The services of a process of its own, which also logs."""
    configure_logging()
    async with bootstrap.services(Settings()) as opened:
        spare_the_collector()
        yield opened


app = create_app()
