"""What is worth a sentence, and how a language model may be asked for one."""

from dataclasses import dataclass

from grx_pipeline.settings.threshold import Allowed, address, threshold, words

AUTO, GROQ, RULES = "auto", "groq", "rules"
_NAMED = Allowed(text="the name of a model", holds=lambda value: bool(value.strip()))


@dataclass(frozen=True, kw_only=True)
class NarrativeSettings:
    """What the coaching texts speak of. What is below stays in the tables."""

    worth_ms: float = threshold(50.0, unit="ms", why="a sector repeats to 50 to 140 ms; less cannot be aimed at")
    sure_errors: float = threshold(
        1.645, unit="standard errors", why="95 % sure of a difference of medians before it is told"
    )
    stint_laps: int = threshold(4, unit="clean laps", why="a half of a race with fewer has no pace of its own")
    spread_laps: int = threshold(8, unit="clean laps", why="a spread of fewer laps doubles by chance")
    uneven_ratio: float = threshold(
        1.5,
        unit="ratio",
        least=1.0,
        why="a sector whose spread is that much over the field's is beyond the chance of ten laps",
    )
    near_best_share: float = threshold(
        0.005, unit="share", why="half a percent of a lap is what a driver calls the same pace"
    )
    short_race_share: float = threshold(
        0.9, unit="share", why="of the most laps driven; who drove fewer had a race that ended early, and is told so"
    )
    common_share: float = threshold(
        0.5, unit="share", why="a sector time that more of the clean laps reach is there already; it has to be joined"
    )
    flat_share: float = threshold(
        0.5, unit="share", why="of a sector's gain; where a flat straight holds it, the pedals there are not to blame"
    )
    ranked_drivers: int = threshold(5, unit="drivers", why="a place among fewer is no ranking")
    near_gap_ms: float = threshold(
        1000.0, unit="ms", why="closer at a line, the car ahead lends a tow or sets the pace; as for advice at corners"
    )
    top_share: float = threshold(0.25, unit="share", why="the quickest quarter of a ranking is a strength")
    repeated_events: int = threshold(3, unit="moments", why="twice at one corner is chance, three times is a place")
    few_traces: int = threshold(
        3, unit="clean laps", why="under it one sentence about missing traces is enough for habits and moments"
    )
    told_events: int = threshold(2, unit="moments", why="the dearest moments; the page lists them all")
    told_strengths: int = threshold(2, unit="places", why="a driver remembers two")
    name_letters: int = threshold(48, unit="characters", why="a longer name is no name; it is cut in texts")


@dataclass(frozen=True, kw_only=True)
class LlmSettings:
    """The language model. The key is in no setting: GROQ_API_KEY, from the environment or .env, is read when asked.

    `mode` auto becomes groq where there is a key and rules where there is none, when settings are loaded.
    """

    mode: str = threshold(
        AUTO,
        unit="auto, groq or rules",
        allowed=words(AUTO, GROQ, RULES),
        why="who has no key has the whole product all the same",
    )
    model: str = threshold(
        "llama-3.3-70b-versatile", unit="model of the service", allowed=_NAMED, why="the specification names it"
    )
    base_url: str = threshold(
        "https://api.groq.com", unit="URL", allowed=address(), why="the service; another that speaks its protocol"
    )
    temperature: float = threshold(0.0, unit="1", least=0.0, most=2.0, why="the same facts shall give the same text")
    seed: int = threshold(2025, unit="1", least=0, most=2**31 - 1, why="the same facts shall give the same text")
    max_tokens: int = threshold(
        1800, unit="tokens an answer", least=100, most=100_000, why="a report has 300 words; JSON and ids double that"
    )
    timeout_s: float = threshold(
        30.0, unit="s", least=0.1, most=600.0, why="an answer takes 1 to 5 s; after that the rules have it"
    )
    concurrency: int = threshold(4, unit="requests at once", most=64, why="the free tier takes 30 a minute")
    requests_per_minute: int = threshold(
        30, unit="requests a minute", least=0, most=100_000, why="the free tier's limit; 0 is no limit"
    )
    retries: int = threshold(3, unit="retries", least=0, why="429 and 5xx pass; what fails four times does not")
    backoff_s: float = threshold(
        1.0, unit="s", least=0.0, most=60.0, why="doubled with each retry, unless the service names a wait"
    )
    max_wait_s: float = threshold(
        60.0, unit="s", least=0.0, most=3600.0, why="a service that asks for longer waits is told no"
    )
    budget: int = threshold(
        200, unit="requests a run", least=0, most=1_000_000, why="a race of 30 cars takes 110; some are repaired once"
    )

    @property
    def is_asked(self) -> bool:
        """Whether the model is asked at all."""
        return self.mode == GROQ
