"""Files that operations resulted in."""

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from api.answers import refusal
from api.graphql.credentials import bearer
from api.graphql.operations.queries import may_see
from oneid.errors import NotFound, OneIdError
from oneid.services.keys import KeyService
from oneid.services.operations import OperationService


class Results:
    """`GET /operations/{id}/result`, for secret keys with the scope of the operation, piece by piece."""

    def __init__(self, keys: KeyService, operations: OperationService) -> None:
        self._keys = keys
        self._operations = operations

    async def answer(self, request: Request) -> Response:
        try:
            return await self._file(request)
        except OneIdError as error:
            return refusal(error).response()

    async def _file(self, request: Request) -> Response:
        actor = await self._keys.authenticate_secret(bearer(request.headers))
        operation = await self._operations.get(request.path_params["id"])
        if operation is None or operation.file is None or not may_see(actor, operation):
            raise NotFound("there is no such file")
        name = quote(operation.file.name)
        headers = {
            "content-disposition": f"attachment; filename*=UTF-8''{name}",
            "cache-control": "private, no-store",
        }
        return StreamingResponse(
            self._operations.read(operation), media_type=operation.file.media_type, headers=headers
        )
