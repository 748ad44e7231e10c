"""The published site of published_site.py behind `grx serve` and nginx, for tests over real sockets."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grx_pipeline.settings import Settings
from support.published_site import publish_sessions
from support.servers import Answer, ask, grx_serve, nginx

# Nobody listens on port 1: the language model cannot be reached.
LIMITS = '[llm]\nbase_url = "http://127.0.0.1:1"\n'
LIMITS += "[serve]\nheader_timeout_s = 1\nbody_timeout_s = 1\nsend_timeout_s = 1\nchat_per_minute = 6000\n"
LIMITS += "chat_burst = 1000\npoll_s = 0.1\n"


@dataclass(frozen=True, kw_only=True)
class Servers:
    """The published site and who serves it: `grx` and `nginx` are ports."""

    settings: Settings
    grx: int
    nginx: int

    def file(self, name: str) -> bytes:
        return (self.settings.reports_dir / name).read_bytes()


@contextlib.contextmanager
def serving(scratch: Path) -> Iterator[Servers]:
    """Publish two sessions and serve them."""
    reports = publish_sessions(scratch)
    settings = Settings(data_dir=scratch / "data", reports_dir=reports)
    (scratch / "grx.toml").write_text(LIMITS, encoding="utf-8")
    with (
        contextlib.chdir(scratch),
        grx_serve(reports, GROQ_API_KEY="gsk_secret") as server,
        nginx(reports, scratch / "nginx", server=server) as proxy,
    ):
        yield Servers(settings=settings, grx=server, nginx=proxy)


def chat(port: int, **parts: Any) -> Answer:
    """A question as a page puts it."""
    return ask(port, "/api/ai/chat", "POST", body=json.dumps(parts).encode(), content_type="application/json")


def problem(answer: Answer) -> dict[str, Any]:
    """The problem that an answer says, which has to be one."""
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = json.loads(answer.body)
    assert document["status"] == answer.status
    assert set(document) >= {"type", "title", "status", "detail"}
    return document
