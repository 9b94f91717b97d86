"""The configuration that browser libraries ask for before they send anything."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.answers import Answer
from api.tracking.cors import cors_headers, preflight


async def segment_settings(request: Request) -> Response:
    """analytics-next: send everything to this server, nothing to other destinations."""
    key = request.path_params["key"]
    plan = {"track": {"__default": {"enabled": True}}}
    return _response(request, {"integrations": {"Segment.io": {"apiKey": key}}, "plan": plan})


async def source_config(request: Request) -> Response:
    """RudderStack's browser library: an enabled source without destinations and without self-reporting."""
    key = request.query_params.get("writeKey", "")
    off = {"enabled": False}
    source = {
        "id": "oneid",
        "name": "oneid",
        "writeKey": key,
        "enabled": True,
        "workspaceId": "oneid",
        "config": {"statsCollection": {"errors": off, "metrics": off}},
        "connections": [],
        "destinations": [],
        "dataplanes": {},
    }
    return _response(request, {"source": source, "updatedAt": "2024-01-01T00:00:00Z"})


def _response(request: Request, content: object) -> Response:
    headers: dict[bytes, bytes] = dict(request.scope["headers"])
    answer = preflight(headers) if request.method == "OPTIONS" else Answer.json(200, content)
    return answer.response(cors_headers(headers))


ROUTES = [
    Route(path, endpoint, methods=["GET", "OPTIONS"])
    for path, endpoint in (
        ("/v1/projects/{key}/settings", segment_settings),
        ("/v1/projects/{key}/settings/", segment_settings),
        ("/sourceConfig", source_config),
        ("/sourceConfig/", source_config),
    )
]
