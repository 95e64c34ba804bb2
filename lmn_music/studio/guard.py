"""Who may ask: only the page itself, on this machine, with the token of the address that was printed."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TOKEN_HEADER = "x-studio-token"  # noqa: S105 - the name of a header
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class TooLargeError(Exception):
    """A request has more bytes than the studio takes."""


class Guard:
    """Stands before the application and refuses what does not come from the studio's own page.

    A page of another site can send requests to this machine, and a name of another site can be made to lead here. Both
    are known by the headers Origin and Host, which such a page cannot write.

    Args:
        app: what is guarded.
        token: what a request below /api/ has in its header `X-Studio-Token`.
        hosts: what Host may be.
        most_bytes: how long a request may be.
    """

    def __init__(self, app: ASGIApp, *, token: str, hosts: Iterable[str], most_bytes: int) -> None:
        self.app, self.token, self.most_bytes = app, token, most_bytes
        self.hosts = set(hosts)
        self.origins = {f"http://{host}" for host in self.hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":  # the studio has no web sockets
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        headers = Headers(scope=scope)
        refused = self._refusal(scope["path"], headers)
        if refused:
            await JSONResponse({"error": refused[1]}, refused[0])(scope, receive, send_guarded)
            return

        read = 0

        async def receive_bounded() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self.most_bytes:
                raise TooLargeError
            return message

        await self.app(scope, receive_bounded, send_guarded)

    def _refusal(self, path: str, headers: Headers) -> tuple[int, str] | None:
        """Return the status and the words, None if a request may pass."""
        if headers.getlist("host") != [headers.get("host")] or headers["host"] not in self.hosts:
            return 403, "the studio answers only at the address that it printed"
        origin, site = headers.get("origin"), headers.get("sec-fetch-site", "none")
        if (origin is not None and origin not in self.origins) or site not in ("same-origin", "none"):
            return 403, "the studio answers only its own page"
        given = headers.get(TOKEN_HEADER, "")
        if path.startswith("/api/") and not secrets.compare_digest(given.encode(), self.token.encode()):
            return 403, "the token is missing: open the whole address that the studio printed"
        if int(headers.get("content-length", "0") or 0) > self.most_bytes:
            return 413, too_large(self.most_bytes)
        return None


def too_large(most_bytes: int) -> str:
    """Return the words for a request that is too large."""
    return f"this is more than {most_bytes // 1_000_000} MB, which is the most that the studio takes: split the piece"
