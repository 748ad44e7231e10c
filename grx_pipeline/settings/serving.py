"""Limits of the server: memory, time, connections, and what a question to the chat may be."""

from dataclasses import dataclass

from grx_pipeline.settings.threshold import address, threshold


@dataclass(frozen=True, kw_only=True)
class ServeSettings:
    """How much a reader may take of the server, and how soon it sees a new build."""

    address: str = threshold(
        "http://127.0.0.1:8000",
        unit="URL",
        allowed=address(),
        why="where `grx serve` answers; links in the Dagster UI lead there",
    )
    cache_mb: int = threshold(
        64, unit="MB", least=0, most=100_000, why="the pages and JSON of six races as they go over the wire, a worker"
    )
    cache_ttl_s: float = threshold(
        300.0,
        unit="s",
        least=0.0,
        most=86_400.0,
        why="a net: the cache is dropped with its build; nothing stays longer than a debrief",
    )
    poll_s: float = threshold(
        1.0, unit="s", least=0.01, why="a person does not notice a second; reading ten links takes 50 µs"
    )
    heartbeat_s: float = threshold(
        15.0, unit="s", least=0.1, most=600.0, why="proxies close a silent connection after 30 to 60 s"
    )
    max_event_clients: int = threshold(
        500, unit="connections", most=100_000, why="a paddock has 60 teams with a few screens each"
    )
    max_connections: int = threshold(
        2000, unit="connections", most=100_000, why="open pages and as many that only read"
    )
    header_timeout_s: float = threshold(
        10.0, unit="s", least=0.1, most=600.0, why="a phone at the edge of its cell sends a head within 3 s"
    )
    body_timeout_s: float = threshold(10.0, unit="s", least=0.1, most=600.0, why="a question is a few kB")
    send_timeout_s: float = threshold(
        60.0, unit="s", least=0.1, most=600.0, why="the largest page takes 8 s at 64 kbit/s"
    )
    max_header_kb: int = threshold(32, unit="kB", why="a browser sends 1 to 4 kB")
    max_body_kb: int = threshold(
        64, unit="kB", why="a question with its whole history in the longest scripts of UTF-8 is 50 kB"
    )
    chat_per_minute: float = threshold(
        12.0, unit="questions per minute", least=0.1, most=100_000.0, why="a person reads an answer for 5 s"
    )
    chat_burst: int = threshold(6, unit="questions", most=10_000, why="clicking through the suggestions at the start")
    answer_timeout_s: float = threshold(
        8.0, unit="s", least=0.1, most=600.0, why="a person waits for words; after that the rules answer"
    )
    model_questions: int = threshold(
        5000,
        unit="questions a process",
        least=0,
        most=10_000_000,
        why="a season's evenings; a leak of questions ends there",
    )
    chat_clients: int = threshold(
        4096, unit="addresses", most=10_000_000, why="1 MB; the one that asked longest ago is forgotten"
    )


@dataclass(frozen=True, kw_only=True)
class ChatLimits:
    """How long the parts of a question may be. They are part of the API's contract, so no grx.toml changes them."""

    message_chars: int = threshold(1000, unit="characters", why="a question of a page is no question")
    history_turns: int = threshold(12, unit="turns", why="six questions and answers; older ones change no answer")
    turn_chars: int = threshold(2000, unit="characters", why="the longest answer of the rules has 1,200")
    page_chars: int = threshold(200, unit="characters", why="the longest page name has 150")
