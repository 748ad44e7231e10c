"""What a reader is told of a file: its type, and how long it may be kept. The same from a server and from a bucket."""

from grx_pipeline.publishing.manifest import FileEntry, is_immutable

IMMUTABLE = "public, max-age=31536000, immutable"
REVALIDATED = "max-age=0, must-revalidate"
PLAIN = "application/octet-stream"
_TYPES = {
    "html": "text/html; charset=utf-8",
    "json": "application/json",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8",
    "png": "image/png",
    "gz": "application/gzip",
}


def media_type(name: str) -> str:
    """The Content-Type of a file by its ending."""
    return _TYPES.get(name.rpartition(".")[2], PLAIN)


def cache_control(name: str, entry: FileEntry) -> str:
    """A year for a file whose name is its content, a question each time for every other."""
    return IMMUTABLE if is_immutable(name, entry) else REVALIDATED
