"""The supervisor's pages on the port of reviews: a worker asks for them."""

from __future__ import annotations

import asyncio
import itertools

from starlette.requests import Request
from starlette.responses import Response

from webhook.workers import messages
from webhook.workers.messages import Page, Report
from webhook.workers.reporter import Reporter

ASK_SECONDS = 2.0
MAX_QUESTIONS = 16
"""Of those that are asked for the supervisor's pages at once; more get 503."""


class AskedPages:
    """The supervisor's pages, for whoever asks on the port of reviews."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._numbers = itertools.count(1)
        self._open: dict[int, asyncio.Future[Page]] = {}

    async def healthz(self, _: Request) -> Response:
        """The event loop of this worker answers."""
        return Response(b"ok", media_type="text/plain")

    async def readyz(self, request: Request) -> Response:
        """Whether the replica is ready."""
        return await self._ask(request.url.path)

    async def metrics(self, request: Request) -> Response:
        """What all processes counted."""
        return await self._ask(request.url.path)

    def answered(self, page: Page) -> None:
        """An answer came; called on the event loop."""
        future = self._open.get(page.question)
        if future is not None and not future.done():
            future.set_result(page)

    async def _ask(self, path: str) -> Response:
        if len(self._open) >= MAX_QUESTIONS:
            return Response(status_code=503)
        number = next(self._numbers)
        self._open[number] = future = asyncio.get_running_loop().create_future()
        try:
            if not self._reporter.say(Report(messages.ASK, number=number, text=path)):
                return Response(status_code=503)
            page = await asyncio.wait_for(future, ASK_SECONDS)
        except TimeoutError:
            return Response(status_code=503)
        finally:
            del self._open[number]
        return Response(page.body, page.status, headers={"content-type": page.media_type})
