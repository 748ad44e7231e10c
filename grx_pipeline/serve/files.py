"""The published files over HTTP: conditional requests, ranges, compressed twins, cache headers, CORS for the API."""

import functools
import re
from collections.abc import Iterable
from http import HTTPStatus
from urllib.parse import quote

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from grx_pipeline.publishing.headers import cache_control, media_type
from grx_pipeline.publishing.manifest import GZIP_ENDING, FileEntry
from grx_pipeline.serve.addresses import Address, parse_address
from grx_pipeline.serve.cache import Answer, Headers, HotFiles
from grx_pipeline.serve.index import Build, DamagedFileError, SiteIndex
from grx_pipeline.serve.problems import ProblemResponse

_METHODS = "GET, HEAD, OPTIONS"
_DESCRIPTION = "openapi.json"
_TAG_LENGTH = 32
_GZIP_MARK = "-gz"
_ATTEMPTS = 3
_RANGE = re.compile(rb"bytes=(\d{0,18})-(\d{0,18})", re.IGNORECASE)
_QUALITY = re.compile(r"(?:^|;)\s*q=([01](?:\.\d{0,3})?)\s*(?:;|$)")
# So much goes to the network at once; the rest waits until the reader has taken it.
_PIECE = 256 * 1024
_CORS: Headers = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"ETag, Content-Range, Retry-After"),
)
_CLOSING: Headers = ((b"connection", b"close"),)
_PREFLIGHT = {
    "access-control-allow-methods": "GET, HEAD",
    "access-control-allow-headers": "If-None-Match, If-Range, Range",
    "access-control-max-age": "86400",
}


class SiteFiles:
    """The ASGI application for everything that is a file."""

    def __init__(self, index: SiteIndex, cache: HotFiles) -> None:
        self._index, self._cache = index, cache

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        address = parse_address(scope.get("raw_path") or quote(scope["path"]).encode())
        headers = _request_headers(scope)
        if scope["method"] not in ("GET", "HEAD"):
            await _other_method(scope["method"], address, closes=_has_body(headers))(scope, receive, send)
        elif address is None:
            await _not_found()(scope, receive, send)
        else:
            answer = self._answer(address, accepts_gzip=_takes_gzip(headers) and b"range" not in headers)
            if isinstance(answer, ProblemResponse):
                await answer(scope, receive, send)
            else:
                await self._send(answer, scope, headers, send)

    def _answer(self, address: Address, *, accepts_gzip: bool) -> "Answer | ProblemResponse":
        """The file an address means. A build that goes while its file is read is looked up again."""
        for _ in range(_ATTEMPTS):
            found = self._index.find(address)
            if found is None:
                return self._no_file(address)
            build, name, entry = found
            try:
                return self._file(build, name, entry, accepts_gzip=accepts_gzip, is_api=address.is_api)
            except (OSError, DamagedFileError):
                self._index.forget(build.name)
        detail = "This file is being replaced or is damaged; ask again in a moment."
        return ProblemResponse(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers={"retry-after": "1", **_cors(address)})

    def _file(self, build: Build, name: str, entry: FileEntry, *, accepts_gzip: bool, is_api: bool) -> Answer:
        twin = entry.gzip if accepts_gzip else None
        key = (build.name, f"{build.folder}/{name}", "gzip" if twin else "")
        answer = self._cache.get(key)
        if answer is None:
            body = build.read(name + GZIP_ENDING, twin) if twin else build.read(name, entry)
            answer = _answer_of(name, entry, body, is_packed=twin is not None, is_api=is_api)
            self._cache.put(key, answer)
        return answer

    async def _send(self, answer: Answer, scope: Scope, asked: dict[bytes, bytes], send: Send) -> None:
        status, headers, body = _selected(answer, asked)
        if _has_body(asked):
            # What the reader still sends is not waited for.
            headers = (*headers, *_CLOSING)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        if scope["method"] == "HEAD" or len(body) <= _PIECE:
            await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
            return
        for start in range(0, len(body), _PIECE):
            more = start + _PIECE < len(body)
            await send({"type": "http.response.body", "body": body[start : start + _PIECE], "more_body": more})

    def _no_file(self, address: Address) -> "Answer | ProblemResponse":
        if address.has_invalid_lap:
            detail = "A lap is a whole number from 1 on."
            return ProblemResponse(HTTPStatus.UNPROCESSABLE_ENTITY, detail, headers=_cors(address))
        if self._index.is_folder(address):
            parts = (address.session, *address.parts) if address.session else address.parts
            location = "/" + "/".join(quote(part, safe="") for part in parts) + "/"
            headers = ((b"location", location.encode()), (b"content-length", b"0"))
            return Answer(headers, b"", b"")
        return _not_found(self._index, address)


def _other_method(method: str, address: Address | None, *, closes: bool) -> Response:
    """What is answered to a method that reads no file; `closes` where a body follows, which nobody reads."""
    headers = {"allow": _METHODS, **_cors(address)}
    if closes:
        headers["connection"] = "close"
    if method == "OPTIONS":
        return Response(status_code=HTTPStatus.NO_CONTENT, headers=headers | (_PREFLIGHT if _cors(address) else {}))
    detail = "The site can only be read. New files are published by the pipeline."
    return ProblemResponse(HTTPStatus.METHOD_NOT_ALLOWED, detail, headers=headers)


def _not_found(index: SiteIndex | None = None, address: Address | None = None) -> ProblemResponse:
    detail = "There is no such file in the site."
    if index is not None and address is not None and index.build(address.session) is None:
        detail = "There is no such session." if address.session else "Nothing is published yet."
    return ProblemResponse(HTTPStatus.NOT_FOUND, detail, headers=_cors(address))


def _cors(address: Address | None) -> dict[str, str]:
    """What lets other sites read the answer, where it is of the API."""
    is_readable = address is not None and (address.is_api or address.parts == (_DESCRIPTION,))
    return {name.decode(): value.decode() for name, value in _CORS} if is_readable else {}


def _answer_of(name: str, entry: FileEntry, body: bytes, *, is_packed: bool, is_api: bool) -> Answer:
    tag = f'"{entry.sha256[:_TAG_LENGTH]}{_GZIP_MARK if is_packed else ""}"'.encode()
    kind = media_type(name)
    headers = [
        (b"content-type", kind.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"etag", tag),
        (b"cache-control", cache_control(name, entry).encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"accept-ranges", b"bytes"),
    ]
    if entry.gzip:
        headers.append((b"vary", b"Accept-Encoding"))
    if is_packed:
        headers.append((b"content-encoding", b"gzip"))
    if kind.startswith("text/html"):
        headers.append((b"content-security-policy", b"frame-ancestors 'self'"))
        # Tells the page that questions and events are answered here.
        headers.append((b"x-grx-live", b"1"))
    if is_api or name == _DESCRIPTION:
        headers += _CORS
    return Answer(tuple(headers), body, tag)


def _request_headers(scope: Scope) -> dict[bytes, bytes]:
    """Headers by name; a name that comes twice has its values joined."""
    headers: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        headers[name] = headers[name] + b", " + value if name in headers else value
    return headers


def _takes_gzip(headers: dict[bytes, bytes]) -> bool:
    return _accepts_gzip(headers.get(b"accept-encoding", b""))


@functools.lru_cache(maxsize=256)
def _accepts_gzip(header: bytes) -> bool:
    quality = {}
    for item in header.lower().decode("latin-1").split(","):
        name, _, parameters = item.partition(";")
        match = _QUALITY.search(parameters)
        quality[name.strip()] = float(match.group(1)) if match else 1.0
    gzip = quality.get("gzip", quality.get("*", 0.0))
    return gzip > 0 and gzip >= quality.get("identity", 0.0)


def _selected(answer: Answer, asked: dict[bytes, bytes]) -> tuple[HTTPStatus, Headers, bytes]:
    """The file, or what has to be sent in its place: that it is unchanged, a part of it, or where it is."""
    if not answer.tag:
        return HTTPStatus.PERMANENT_REDIRECT, answer.headers, b""
    if _is_known(answer.tag, asked.get(b"if-none-match")):
        return HTTPStatus.NOT_MODIFIED, _without(answer.headers, (b"content-length", b"content-type")), b""
    if b"range" in asked and asked.get(b"if-range", answer.tag) == answer.tag:
        return _part(answer, asked[b"range"])
    return HTTPStatus.OK, answer.headers, answer.body


def _has_body(asked: dict[bytes, bytes]) -> bool:
    return asked.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in asked


def _is_known(tag: bytes, header: bytes | None) -> bool:
    """Whether If-None-Match names this content, compressed or not."""
    if header is None:
        return False
    plain = tag.replace(_GZIP_MARK.encode(), b"")
    known = (item.strip().removeprefix(b"W/").replace(_GZIP_MARK.encode(), b"") for item in header.split(b","))
    return header.strip() == b"*" or plain in known


def _without(headers: Iterable[tuple[bytes, bytes]], names: tuple[bytes, ...]) -> Headers:
    return tuple((name, value) for name, value in headers if name not in names)


def _part(answer: Answer, header: bytes) -> tuple[HTTPStatus, Headers, bytes]:
    """One range of the file; the whole file for a header that is none or asks for several."""
    match = _RANGE.fullmatch(header.strip())
    first, last = match.groups() if match else (b"", b"")
    if not (first or last) or (first and last and int(last) < int(first)):
        return HTTPStatus.OK, answer.headers, answer.body
    size = len(answer.body)
    start = int(first) if first else max(size - int(last), 0)
    stop = min(int(last) + 1, size) if first and last else size
    rest = _without(answer.headers, (b"content-length",))
    if start >= stop:
        problem = ProblemResponse(
            HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
            f"The file has {size} bytes.",
            headers={"content-range": f"bytes */{size}"},
        )
        kept = tuple(header for header in rest if header[0].startswith(b"access-control-"))
        return HTTPStatus(problem.status_code), (*problem.raw_headers, *kept), bytes(problem.body)
    body = answer.body[start:stop]
    span = f"bytes {start}-{stop - 1}/{size}".encode()
    return (
        HTTPStatus.PARTIAL_CONTENT,
        (*rest, (b"content-range", span), (b"content-length", str(len(body)).encode())),
        body,
    )
