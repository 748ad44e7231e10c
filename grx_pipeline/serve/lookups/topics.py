"""Which lookup a question means: patterns in order, those of the field apart from those of one car."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from grx_pipeline.serve.lookups import cars, laps, moments, places, rankings, session
from grx_pipeline.serve.lookups.asked import THEY, Asked
from grx_pipeline.serve.lookups.published import Found, Published, found

_WHICH_CAR = "Say which car: by its number, as in “best lap of #13”, or ask on the page of its driver."


@dataclass(frozen=True, kw_only=True)
class Topic:
    """Questions of one kind: the words they are known by, and who answers them."""

    words: re.Pattern[str]
    answer: Callable[[Asked, Published], Found | None]
    needs: Callable[[Asked], bool]

    def fits(self, asked: Asked) -> bool:
        return asked.has(self.words) and self.needs(asked)


def _topic(
    words: str, answer: Callable[[Asked, Published], Found | None], needs: Callable[[Asked], bool] | None = None
) -> Topic:
    return Topic(words=re.compile(words), answer=answer, needs=needs or (lambda _: True))


_BEST = r"\b(?:best|fast\w*|quick\w*|record)\b"
_BEST_LAP = rf"{_BEST}.*\blaps?\b|\blaps?\b.*{_BEST}|\bpersonal best\b|\bpb\b|\blap record\b"
_AT_A_LAP = re.compile(r"\b(?:after|on|at|by|in|until|through)(?: the)?(?: end of)? (?:lap|\w+ lap)\b")
_SLOW = re.compile(r"\bslow|\bworst")
_WINNERS = re.compile(r"^(?!.*\b(?:i|me|my|we|our)\b).*\b(?:winner|leader)'s\b")
_SESSION = (
    _topic(
        r"\b(?:far|much|who)\b.*\b(?:behind|ahead|in front)\b|\b(?:gap|position|place)\b"
        r"|\b(?:behind|ahead) (?:after|on|by|at)\b",
        session.by_lap,
        lambda a: bool(a.laps) and a.has(_AT_A_LAP),
    ),
    _topic(
        r"\bweather|\bhot(?:test)?\b|\bcold(?:est)?\b|\bwarm\w*|\btemp(?:erature)?s?\b|\brain|\bwet\b|\bdry\b|\bwind"
        r"|\bhumid|\bsunny",
        session.weather,
    ),
    _topic(r"\byellow|\bsafety car|\bcaution|\bfcy\b|\bneutrali[sz]", session.yellow),
    _topic(
        r"\bhow many (?:cars|drivers|entries|starters)|\bhow (?:long|many laps) (?:was|did|is|had|in) the race"
        r"|\brace (?:length|distance|duration)|\bhow many laps\b(?!.*\b(?:i|my|me)\b)",
        session.counts,
        lambda a: a.car is None or "race" in a.rest,
    ),
    _topic(
        r"\bhow long is\b|\b(?:track|lap|circuit) length|\bwhich (?:track|circuit)|\bwhere (?:was|is) (?:the race"
        r"|this|it)\b|\bhow many (?:corners|turns)|\bwhen (?:was|did) (?:the|this|that|it)\b|\bwhat (?:time|day)\b"
        r"|\bdate\b",
        session.track,
    ),
    _topic(r"\bretire\w*|\bdnf|\bdid(?:n't| not) finish|\bdropped? out", session.retired),
    _topic(
        r"\bpodium|\btop (?:\d+|three|five|ten)\b|\bresults\b|\bfinishing order|\bclassification|\bleaderboard",
        session.results,
    ),
    _topic(r"\bhow close\b|\bclose (?:finish|race)|\bwinning margin|\bwon by\b", session.margin),
    _topic(
        r"\bgap|\bdelta|\bmargin|\bbehind|\bahead|\bbetween|\bfar\b",
        session.gap_between,
        lambda a: len(a.places) + len(a.named) + a.is_own > 1 and not (a.is_own and not a.places),
    ),
)
_PACE = (
    r"\b(?:second|first|closing|opening|last) (?:half|part|stint)|\bg[eo]t (?:slower|faster|quicker)"
    r"|\bfad(?:e|ed|ing)\b|\bdrop(?:ped)? off|\bfell off|\btowards? the end|\b(?:race|my|the|his|her) pace\b"
)
_MOMENT = (
    r"\bmistakes?\b|\bmoments?\b|\bhappened|\bgo(?:ne)? wrong|\bwent wrong|\block(?:ed|ing|s)?\b|\block.?ups?|\bspun"
    r"|\bmiss(?:ed|ing)? (?:\w+ )?brak\w*|\bbraked? (?:\w+ )?too late"
    r"|\bspin|\boversteer|\bundersteer|\bslid\w*|\bsnap|\berrors?\b|\banomal"
)
_TELEMETRY = r"\btelemetry|\btraces?\b|\bloggers?\b"
_FIELD = (
    _topic(
        r"\b(?:who|best|fast\w*|quick\w*|highest|late\w*|hard\w*|which)\b",
        rankings.in_corner,
        lambda a: bool(a.corners),
    ),
    _topic(
        r"\b(?:each|every|all|best|quickest|three) (?:three |the )?sectors?\b(?! \d)|\bideal lap|\btheoretical"
        r"|\bpurple",
        rankings.best_sectors,
        lambda a: not a.sectors,
    ),
    _topic(
        r"\btargets?\b.*\b(?:rank\w*|order|list)|\b(?:rank\w*|order|list|who\w*|best|quickest)\b.*\btarget",
        rankings.by_target,
    ),
    _topic(_TELEMETRY, rankings.telemetry),
    _topic(r"\baverage|\bmedian|\bmean\b", rankings.average),
    _topic(_MOMENT, rankings.moments, lambda a: not a.corners),
    _topic(
        r"\bslowest (?:car|driver|lap)?\s*\W*$|\bslowest (?:car|driver|lap)\b",
        rankings.slowest,
        lambda a: not a.sectors,
    ),
    _topic(r"\bsector", session.best_sector, lambda a: bool(a.sectors) and not a.has(_SLOW)),
    _topic(rf"{_BEST_LAP}|\b(?:who|which)\b.*\b(?:fastest|quickest)\b", session.best_lap),
    _topic(r"\btop speed|\b(?:highest|max\w*) speed|\bspeed trap|\bstraight.?line", session.top_speed),
    _topic(r"\bconsisten|\bstead|\bmost even", session.steadiest),
    _topic(r"\b(?:potential|most to (?:find|gain)|gain most|most to improve)", session.most_to_gain),
    _topic(r"\bwho\b|\bwhich\b|\bp\d|\blast\b", session.place, lambda a: bool(a.places) and not a.named),
)
_CAR = (
    _topic(
        r"\bhappened to\b|\bwhy did\b.*\bstop|\bstopped\b|\bbreak down|\bbroke down|\bpulled (?:in|off)",
        cars.lap_counts,
    ),
    _topic(r"\bwin\b|\bby how much\b", cars.result, lambda a: a.is_own),
    _topic(r"\bteam.?mates?\b", cars.team_mate),
    _topic(
        r"\b(?:gap|delta|far|close|behind|ahead)\b.*\b(?:car|guy|one|driver|person) (?:in front|ahead|behind)\b",
        cars.gap_to_neighbour,
        lambda a: not a.laps,
    ),
    _topic(r"\bwithin\b.*\b(?:best|fastest|quickest|target)\b", laps.near_best),
    _topic(_PACE + r"|\bat the (?:end|start)\b|\bworse\b", laps.pace, lambda a: bool(a.sectors) and not a.laps),
    _topic(_MOMENT, moments.moments, lambda a: bool(a.corners) or not a.laps),
    _topic(
        r"\b(?:not?|don't|didn't|doesn't|isn't|aren't|wasn't|weren't|never) (?:\w+ )?(?:clean|valid|count\w*)\b"
        r"|\bunclean|\binvalid|\bleft out|\bexclude|\bdeleted|\bdirty",
        laps.unclean,
        lambda a: not a.laps,
    ),
    _topic(
        r"\bwho (?:is|was|drives|drove|sits)\b(?: in| driving)?\s*(?:the )?(?:car|number)?\W*$|\bdriver's name"
        r"|\b(?:which|what) (?:class|team)\b",
        rankings.who,
    ),
    _topic(_TELEMETRY, laps.telemetry, lambda a: not a.corners and not a.laps),
    _topic(r"\btraffic|\bstuck\b|\bheld up|\bclean air|\bclear road|\btow\b|\bdraft|\bslipstream", places.traffic),
    _topic(r"\bwho\b.*\b(?:faster|quicker|better than)", cars.quicker),
    _topic(r"\bwho\b.*\b(?:behind|ahead|in front|before|after|beat)\b", cars.neighbour, lambda a: not a.laps),
    _topic(r"", places.corner, lambda a: bool(a.corners) and not _asks_advice(a)),
    _topic(r"", places.sector, lambda a: bool(a.sectors)),
    _topic(r"", laps.two_laps, lambda a: len(a.laps) > 1),
    _topic(r"", cars.one_lap, lambda a: bool(a.laps)),
    _topic(
        r"\blap times\b|\ball (?:of )?(?:(?:my|the|his|her|its) )?laps\b|\b(?:best|fastest|quickest) laps\b"
        r"|\blist\b.*\blaps",
        laps.lap_list,
    ),
    _topic(r"\bslow|\bworst", cars.slowest_lap, cars.asks_for_slowest),
    _topic(_PACE, laps.pace),
    _topic(r"\bsmooth", cars.smoothness),
    _topic(
        r"^(?!.*\b(?:los\w+|where|slow\w*|weak\w*)\b).*\b(?:best|all|each|every|my|the|three) sectors\b|\bsector times",
        places.sectors,
    ),
    _topic(r"\b(?:average|mean|median|usual|typical)\b.*\blap|\blap\b.*\b(?:average|mean|median)", cars.average_lap),
    _topic(r"\bhow many\b.*\blaps|\bonly\b.*\blaps|\blaps (?:did|have)|\bnumber of laps", cars.lap_counts),
    _topic(r"\bpit", cars.pit_stops),
    _topic(r"\btop speed|\b(?:highest|max\w*) speed|\bspeed trap|\bstraight.?line", cars.top_speed),
    _topic(r"\btarget|\bsiwtl|\bideal lap|\btheoretical|\bpotential|\boptimal|\bpossible lap", cars.target),
    _topic(_BEST_LAP, cars.best_lap),
    _topic(r"\bdptad|\bscores?\b|\bdriving style", cars.style, lambda a: "consist" not in a.rest),
    _topic(
        r"\b(?:faster|quicker|better) than (?:every|all|any|most|the (?:others|rest|field))|\bstrongest\b|\bbest at\b",
        places.strong_sector,
    ),
    _topic(
        r"\blos(?:e|ing|s|t)\b|\bfind\b|\bweak|\bslow\w*|\boff the pace|\btime to find|\bsectors?\b", places.lost_time
    ),
    _topic(
        r"\bfinish|\bposition|\bclassified|\bcome in\b|\bcame in\b|\bplaced?\b|\bp\d+\b|\b(?:gap|behind"
        r"|to) the (?:winner|leader)|\bfar (?:behind|off)|\bend(?:ed)? up",
        cars.result,
    ),
    _topic(
        r"\b(?:improve|faster|quicker|better|tips?|advice|change|gain|do differently|work on|focus|practi[cs]e)\b"
        r"|\bbrak|\bthrottle|\bcorner|\bturn\b|\bt\d",
        places.advice,
    ),
)


_LAST = (_topic(r"\bgood at|\bstrengths?\b|\bstrong|\b(?:go|do|did) well|\bkeep\b", places.strong_sector),)
_ADVICE = re.compile(r"\b(?:improve|faster|quicker|better|tips?|advice|change|gain)\b")
_BETWEEN = re.compile(r"[?!;.]+\s+|,?\s+\b(?:and|plus)\b\s+")
_ASKS_HOW = re.compile(r"\bhow (?:did|was|were|fast|quick)\b")


def look_up(asked: Asked, published: Published) -> Found | None:
    """The answer that stands in the published files; None where the question asks for none of these."""
    if asked.unknown:
        numbers = [f"#{driver['car_number']}" for driver in published.drivers]
        return found(f"There is no car #{asked.unknown[0]} in this session. Its cars: {', '.join(numbers)}.")
    asked = _of_winner(asked, published)
    topics = (*_SESSION, *(() if asked.needs_car else _FIELD if asked.car is None else _CAR))
    answers = _of_parts(asked, published, topics)
    if len({topic for topic, _ in answers}) > 1:
        texts = dict.fromkeys(answer.text for _, answer in answers)
        return found(" ".join(texts), (place for _, answer in answers for place in answer.sources))
    if (told := _first(asked, published, topics)) is not None:
        return told[1]
    is_of_a_car = asked.has(_ASKS_HOW) or any(topic.fits(asked) for topic in (*_CAR, *_LAST))
    return found(_WHICH_CAR) if asked.needs_car and is_of_a_car else None


def _of_winner(asked: Asked, published: Published) -> Asked:
    """The question about the car that "the winner's" means."""
    cars = published.classified()
    if not cars or not asked.has(_WINNERS):
        return asked
    winner = cars[0]["vehicle_id"]
    return replace(asked, car=winner, is_own=asked.is_own and asked.car == winner)


def fall_back(asked: Asked, published: Published) -> Found | None:
    """An answer from the files where no text of the session has one."""
    told = _first(asked, published, _LAST) if asked.car is not None else None
    return told[1] if told else None


def _of_parts(asked: Asked, published: Published, topics: Sequence[Topic]) -> list[tuple[Topic, Found]]:
    """The answers to the parts of a message; "his" in a part is the car of the answer before it."""
    answers: list[tuple[Topic, Found]] = []
    for part in _parts(asked):
        spoken_of = published.first_car(answers[-1][1].text) if answers else None
        if spoken_of and THEY.search(part.rest) and not asked.named:
            told = _first(replace(part, car=spoken_of, is_own=False), published, (*_SESSION, *_CAR))
        else:
            told = _first(part, published, topics)
        answers += [told] if told else []
    return answers


def _parts(asked: Asked) -> list[Asked]:
    """The questions that a message puts one after the other."""
    parts = [part for part in _BETWEEN.split(asked.rest) if part.strip()]
    return [asked.reading(part) for part in parts] if len(parts) > 1 else []


def _first(asked: Asked, published: Published, topics: Sequence[Topic]) -> tuple[Topic, Found] | None:
    """The first topic that has an answer, with it."""
    for topic in topics:
        answer = topic.answer(asked, published) if topic.fits(asked) else None
        if answer is not None:
            return topic, answer
    return None


def _asks_advice(asked: Asked) -> bool:
    return asked.has(_ADVICE)
