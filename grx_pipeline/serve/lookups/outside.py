"""What no session's facts say, and says so: things that nobody measured, the future; and what words mean."""

import re

from grx_pipeline.serve.lookups.spelling import is_foreign

_NOT_PUBLISHED = (
    (re.compile(r"\bfuel|\bpetrol|\bgallon"), "fuel"),
    (re.compile(r"\bt[yi]res?\b|\brubber\b|\bgrip\b"), "the tyres: nothing measures them, only the pace is known"),
    (
        re.compile(
            r"\bset.?ups?\b|\bspring|\bdamper|\bcamber|\btoe\b|\bride height|\broll bar|\balignment|\bbrake bias"
            r"|\bwing\b"
        ),
        "the setup of the car",
    ),
    (re.compile(r"\bgears?\b|\brpm\b|\brevs?\b|\bshift\w*"), "gears and engine speed"),
    (re.compile(r"\boil\b|\bcoolant|\bbattery|\bengine\b|\bwater temp"), "the engine and its temperatures"),
    (
        re.compile(r"^(?!.*\b(?:brak|turn|throttle|where|at what|los|corner)).*\bpoints\b|\bchampionship|\bprize"),
        "points and the championship",
    ),
    (re.compile(r"\bpenalt\w+|\bsteward|\bcrash\w*|\bcontact\b|\bincident|\bprotest"), "incidents and penalties"),
    (re.compile(r"\bqualif\w+|\bgrid\b|\bstart(?:ing)? position|\bpole\b"), "qualifying and the grid"),
    (
        re.compile(r"\bovert\w+|\bpassed?\b.*\bcar|\blea?d\b.*\blaps?\b|\blaps\b.*\blea?d\b"),
        "passes and who led on which lap",
    ),
    (re.compile(r"\bvideo|\bonboard|\bheart rate|\bg.?force"), "that"),
)
_FUTURE = re.compile(r"\b(?:will|going to|gonna|predict\w*|forecast|tomorrow|next (?:race|year|season|weekend)|odds)\b")
_ASKS_ADVICE = re.compile(
    r"\b(?:should|work on|focus|practi[cs]e)\b"
    r"|\b(?:how|where|what)\b.*\b(?:chang\w*|improv\w*|find|gain\w*|better|faster|quicker)\b"
)
_OTHERS = re.compile(
    r"\b(?:last|previous|other|earlier) (?:race|session|year|weekend|round)|\bsince (?:race|last)|\bseason\b"
)
_GREETING = re.compile(
    r"(?:hi|hello|hey|hallo|good (?:morning|evening|afternoon)|help|what can you do|what can i ask"
    r"|how do (?:i|you|we) use this|how does this work)[\s!.?]*"
)
_THANKS = re.compile(r"(?:thanks?|thank you|thx|cheers|ok|okay|great|good|nice|cool)\b[\s!.\w]{0,20}")
_MEANING = re.compile(
    r"\bwhat(?:'s| is| are| does| do)\b|\bexplain|\bmean(?:s|ing)?\b|\bdefin|\bhow is\b.*\b(?:made|calculated"
    r"|computed|measured)"
)
_MEANINGS = (
    (
        re.compile(r"\bsiwtl\b|\btarget lap (?:made|calculated|computed|mean)|\bideal weighted"),
        "SIWTL, the target lap: your best clean lap less a share of what your best sectors leave. The share of a "
        "sector is larger the more often you came close to its best.",
    ),
    (
        re.compile(r"\bdptad\b|\banomal"),
        "DPTAD looks for moments of a lap that are unlike the driver's own other clean laps, says what they are "
        "likely to be and what they cost. It takes at least 6 clean laps with a trusted trace.",
    ),
    (
        re.compile(r"\bclean laps?\b"),
        "A clean lap is valid and under green, not the first, not in or out of the pits nor after a yellow, has "
        "all three sectors, and is not off the driver's own pace. The lap table names what keeps a lap from "
        "being clean.",
    ),
    (
        re.compile(r"\bconsistency score\b|\bconsistency\b.*\b(?:mean|made|calculated|computed)"),
        "The consistency score is 100 less the spread of clean lap times in percent of their mean, so 100 is the "
        "same time on every lap.",
    ),
)
_ENGLISH = (
    "Questions are read in English only, sorry. Try “Where am I losing time?”, “What was my best lap?”, “best lap of "
    "#13”, or one of these."
)
_HELLO = (
    "Ask about what was published of this race: results, laps (“lap 12”), sectors, corners (“minimum speed in "
    "T5”), the target, other cars by number (“compare with #13”), the weather."
)


def other_language(text: str) -> str | None:
    """That questions are read in English, where one comes in another language."""
    return _ENGLISH if is_foreign(text) else None


def meaning(text: str) -> str | None:
    """What a word of the reports means, where that is what is asked."""
    if not _MEANING.search(text) or re.search(r"\b(?:my|your|our)\b|#", text):
        return None
    return next((said for pattern, said in _MEANINGS if pattern.search(text)), None)


def small_talk(text: str) -> str | None:
    """An answer to a greeting or to thanks."""
    text = text.strip()
    if _GREETING.fullmatch(text):
        return _HELLO
    return "Good. Ask on." if _THANKS.fullmatch(text) else None


def not_published(text: str) -> str | None:
    """That a thing is in no published file, where the question is about it."""
    topic = next((topic for pattern, topic in _NOT_PUBLISHED if pattern.search(text)), None)
    if topic is not None:
        return f"What was published of this session says nothing of {topic}."
    if _FUTURE.search(text) and not _ASKS_ADVICE.search(text):
        return "This is about a race that is over; nothing here says what comes."
    if _OTHERS.search(text):
        return (
            "This answers from one session. The season page puts sessions side by side, and each has its own "
            "page to ask on."
        )
    return None
