"""The reference for durable acceptance: one XADD of the body as it came, then 200. No checks, no key."""

import os

from redis.asyncio import Redis
from starlette.types import Receive, Scope, Send

redis = Redis.from_url(os.environ["ONEID_REDIS_URL"])


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    body = b""
    more = scope["type"] == "http"
    while more:
        message = await receive()
        body += message["body"]
        more = message.get("more_body", False)
    await redis.xadd("bench:bare", {"b": body})
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"{}"})
