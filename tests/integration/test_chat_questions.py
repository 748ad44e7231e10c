"""What drivers and engineers ask at ten in the evening, put to a published site: each answer holds the facts that the
tables hold, or says honestly that nobody knows. Expected facts are computed from the rows, not from answers.
"""

import asyncio
from collections.abc import Callable, Sequence
from statistics import median

import pytest
from support.chat_site import ChatSite, publish_chat_site
from support.narrative_session import BARE, HABITS, HOSTILE, SESSION, UNCLEAN, WINNER

from grx_pipeline.formats import gap, lap_time, sector_time
from grx_pipeline.publishing.service_records import ChatAnswer, ChatRequest, Turn
from grx_pipeline.serve.answers import Answers
from grx_pipeline.settings import NarrativeSettings

OWN, SESSION_PAGE, PAIR = f"drivers/{HABITS}.html", "index.html", f"compare/{WINNER}/{HABITS}.html"
NO_ANSWER = "do not answer that"
Facts = Callable[[ChatSite], Sequence[str]]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> ChatSite:
    return publish_chat_site(tmp_path_factory.mktemp("chat"))


def ask(site: ChatSite, message: str, page: str = OWN, *history: str) -> ChatAnswer:
    """`history` is turns in their order, a reader's first."""
    turns = [Turn(role="assistant" if place % 2 else "user", text=text) for place, text in enumerate(history)]
    question = ChatRequest(message=message, session=SESSION, page=page, history=turns)
    given = asyncio.run(Answers(site.index, NarrativeSettings()).answer(question))
    assert given is not None
    return given


def best(vehicle: str) -> Facts:
    """The best lap and the lap it was set on."""

    def facts(site: ChatSite) -> list[str]:
        lap = min(site.of("laps", vehicle), key=lambda lap: lap["lap_time_ms"])
        return [lap_time(lap["lap_time_ms"]), f"lap {lap['lap_number']}"]

    return facts


def of_lap(vehicle: str, *numbers: int) -> Facts:
    def facts(site: ChatSite) -> list[str]:
        laps = {lap["lap_number"]: lap for lap in site.of("laps", vehicle)}
        return [lap_time(laps[number]["lap_time_ms"]) for number in numbers]

    return facts


def target(vehicle: str) -> Facts:
    return lambda site: [lap_time(site.row("siwtl", vehicle)["siwtl_lap_ms"])]


def best_sector(vehicle: str, *sectors: int) -> Facts:
    return lambda site: [sector_time(min(lap[f"sector_{n}_ms"] for lap in site.clean(vehicle))) for n in sectors]


def between(a: str, b: str, *names: str) -> Facts:
    """Gaps on the laps compared."""
    return lambda site: [sector_time(abs(round(site.line(a, b, name)))) for name in names]


def best_laps_apart(a: str, b: str) -> Facts:
    return lambda site: [sector_time(abs(site.row("siwtl", b)["best_lap_ms"] - site.row("siwtl", a)["best_lap_ms"]))]


def at_the_flag(a: str, b: str) -> Facts:
    times: Callable[[ChatSite, str], int] = lambda site, car: site.row("drivers", car)["total_time_ms"]  # noqa: E731
    return lambda site: [f"{sector_time(abs(times(site, b) - times(site, a)))} s"]


def halves(vehicle: str, column: str = "lap_time_ms") -> Facts:
    def facts(site: ChatSite) -> list[str]:
        times = [lap[column] for lap in site.clean(vehicle)]
        half = len(times) // 2
        said = lap_time if column == "lap_time_ms" else sector_time
        return [said(round(median(times[:half]))), said(round(median(times[-half:])))]

    return facts


def score(vehicle: str) -> Facts:
    return lambda site: [f"{site.row('siwtl', vehicle)['consistency_score']:.1f} of 100"]


def first_change(site: ChatSite) -> list[str]:
    row = next(row for row in site.of("opportunities", HABITS) if row["rank"] == 1)
    return [f"{row['loss_ms'] / 1000:.2f} s a lap", f"{row['laps_with_loss']} of {row['laps']} laps", "T5"]


def to_the_field(sector: int) -> Facts:
    def facts(site: ChatSite) -> list[str]:
        times = {car: min(lap[f"sector_{sector}_ms"] for lap in site.clean(car)) for car in (HABITS, WINNER)}
        return [f"sector {sector}", gap(times[HABITS] - times[WINNER])]

    return facts


def said(*texts: str) -> Facts:
    return lambda _: texts


def both(*parts: Facts) -> Facts:
    return lambda site: [text for part in parts for text in part(site)]


ON_OWN_PAGE: dict[str, Facts] = {
    "What was my best lap?": best(HABITS),
    "fastst lap of mine": best(HABITS),
    "wat was my best lap and what is my target": both(best(HABITS), target(HABITS)),
    "what was my best sectr 2": best_sector(HABITS, 2),
    "my best sectors please": best_sector(HABITS, 1, 2, 3),
    "lap 5": of_lap(HABITS, 5),
    "what was my last lap": of_lap(HABITS, 13),
    "was lap 4 better than lap 9?": both(of_lap(HABITS, 4, 9), said("Lap 4")),
    "show me all my lap times": of_lap(HABITS, *range(1, 14)),
    "which of my laps dont count?": said("lap 1 (first lap"),
    "is my target realistic": target(HABITS),
    "what is my weakest sector": to_the_field(2),
    "where can i find 3 tenths": to_the_field(2),
    "where am i faster than everyone else": to_the_field(3),
    "what should I change first?": first_change,
    "What should I work on tomorow?": first_change,
    "what was my pace in the second half of the race": halves(HABITS),
    "did i get slower towards the end?": halves(HABITS),
    "was sector 2 worse at the end of the race?": halves(HABITS, "sector_2_ms"),
    "where did I finish": said("P2 of 8"),
    "where did I finish and how far behind 11?": at_the_flag(WINNER, HABITS),
    "what's the gap to the car in front": at_the_flag(WINNER, HABITS),
    "delta to p4": at_the_flag(HABITS, BARE),
    "who was behind me at the flag": said("#13", "P3"),
    "how consistent was I compared to 11": both(score(HABITS), score(WINNER)),
    "am I faster than 14 in sector 3?": both(said("Yes."), between(HABITS, BARE, "S3")),
    "am I faster than #11?": both(said("No."), best_laps_apart(WINNER, HABITS)),
    "where am i losing time to 11 in T5": between(WINNER, HABITS, "T5"),
    "compare me with the winner": said("#11"),
    "how often did i lock up": said("1 suspected lock-up", "Lap 4"),
    "what happened in T5 on lap 4?": said("T5 on lap 4"),
    "which lap was my worst mistake": said("Lap 4"),
    "how smooth am I on the brakes": said("brake 2 of 7"),
    "top speed": said("213.5 km/h", "lap 13"),
}


@pytest.mark.parametrize("message", ON_OWN_PAGE)
def test_a_driver_gets_the_facts_of_the_tables(site: ChatSite, message: str) -> None:
    given = ask(site, message)
    missing = [fact for fact in ON_OWN_PAGE[message](site) if fact not in given.answer]
    assert not missing, given.answer
    assert given.sources


ABOUT_CARS: dict[str, Facts] = {
    "best lap of 11": best(WINNER),
    "best lap 14": best(BARE),
    "best lap of number thirteen": best(HOSTILE),
    "target of 13": target(HOSTILE),
    "13's target": target(HOSTILE),
    "lap 5 of 14": of_lap(BARE, 5),
    "sector times of 13": best_sector(HOSTILE, 1, 2, 3),
    "which laps of car 12 are not clean and why": said("lap 1 (first lap"),
    "why is there no target for 18": said("no clean lap"),
    "Is #12 slower than #11?": both(said("Yes."), best_laps_apart(WINNER, HABITS)),
    "is 11 slower than 12": both(said("No."), best_laps_apart(WINNER, HABITS)),
    "14 vs 11 sector 2": between(WINNER, BARE, "S2"),
    "compare #11, #12 and #14": both(best_laps_apart(WINNER, HABITS), best_laps_apart(WINNER, BARE)),
    "how many clean laps does 12 have and what's its target": both(said("12 clean"), target(HABITS)),
    "did 13 fade": halves(HOSTILE),
    "is 11 or 12 more consistent": both(score(WINNER), score(HABITS)),
    "who is in car 14": said("do not name its driver"),
    "who drives 12": said("Lena Strand"),
    "how does lena strand's best lap look": best(HABITS),
    "who won": said("#11 Owen Castellane"),
    "winer?": said("#11 Owen Castellane"),
    "how close was the finish": at_the_flag(WINNER, HABITS),
    "who finished 3rd and what was his best lap": both(said("P3 of 8"), best(HOSTILE)),
    "fastest lap": best(WINNER),
    "who was fastest in each sector": best_sector(WINNER, 1, 2, 3),
    "ranking by target lap": both(target(WINNER), target(HABITS)),
    "which cars have no telemetry?": said("#14"),
    "how long was the yellow": said("5:00 to 10:13"),
    "coldest track temp": said("30 to 34"),
    "podium": said("P1 #11", "P2 #12", "P3 #13"),
    "how many laps did 12 do": said("13 laps", "12 clean"),
    "what happened to 18": said("13 laps"),
}


@pytest.mark.parametrize("message", ABOUT_CARS)
def test_an_engineer_gets_the_facts_of_the_tables(site: ChatSite, message: str) -> None:
    given = ask(site, message, SESSION_PAGE)
    missing = [fact for fact in ABOUT_CARS[message](site) if fact not in given.answer]
    assert not missing, given.answer


@pytest.mark.parametrize(
    ("message", "history", "facts"),
    [
        ("and lap 8?", ("what was lap 7?", "Lap 7: ..."), of_lap(HABITS, 8)),
        ("and sector 3?", ("what was my best sector 2", "..."), best_sector(HABITS, 3)),
        ("and #11?", ("what was my best lap?", "Your best lap ..."), best(WINNER)),
        ("and 14?", ("what was my best lap?", "...", "and #11?", "#11's best lap ..."), best(BARE)),
        ("what was his best lap?", ("who won?", "#11 Owen Castellane won."), best(WINNER)),
        ("what is their target", ("lap 5 of 13", "Lap 5: ..."), target(HOSTILE)),
        ("what about the target?", ("what was my best lap?", "..."), target(HABITS)),
        ("and what next?", ("What should I change first?", "The most is to be had at T5."), said("T1")),
    ],
)
def test_what_a_question_leaves_out_comes_from_the_conversation(
    site: ChatSite, message: str, history: tuple[str, ...], facts: Facts
) -> None:
    given = ask(site, message, OWN, *history)
    missing = [fact for fact in facts(site) if fact not in given.answer]
    assert not missing, given.answer


@pytest.mark.parametrize(
    ("message", "facts"),
    [
        ("who is quicker in sector 3", between(WINNER, HABITS, "S3")),
        ("where is 11 faster?", said("#11", "quicker")),
        ("what can 12 learn from 11?", said("Sector 2", "#12")),
        ("who brakes later into t5", said("#11", "#12")),
        ("target of 12", target(HABITS)),
    ],
)
def test_the_page_of_two_answers_for_both_and_for_one(site: ChatSite, message: str, facts: Facts) -> None:
    given = ask(site, message, PAIR)
    missing = [fact for fact in facts(site) if fact not in given.answer]
    assert not missing, given.answer


def test_whose_strength_is_asked_for_is_whose_is_told(site: ChatSite) -> None:
    """#14 gains on #11 nowhere, and is not answered with what #11 gains."""
    given = ask(site, "where is 14 faster?", f"compare/{WINNER}/{BARE}.html")
    assert "#14 comes" in given.answer
    assert "behind" in given.answer
    assert "#11" not in given.answer


HONEST = {
    "tyre deg?": "nothing measures them",
    "which gear in t5": "nothing of gears",
    "who overtook the most": "nothing of passes",
    "did anyone crash?": "nothing of incidents",
    "do i have a team mate": "no team",
    "Will I win the next race?": "nothing here says what comes",
    "T9?": "There is no T9",
    "lap 44": "There is no lap 44",
    "#99 best lap": "There is no car #99",
    "best lap of 99": "There is no car #99",
    "minimum speed in T5 of 14": "no corner figures of #14",
    "why no telemetry": "no trace of your car",
    "was i stuck in traffic": "does not say",
    "Wo verliere ich Zeit?": "English only",
    "Quel est mon meilleur tour ?": "English only",
    "¿Dónde pierdo tiempo?": "English only",
    "ベストラップは?": "English only",
    "asdf qwer": NO_ANSWER,
}


@pytest.mark.parametrize("message", HONEST)
def test_what_nobody_knows_is_said_to_be_unknown(site: ChatSite, message: str) -> None:
    assert HONEST[message] in ask(site, message).answer


def test_a_car_without_a_clean_lap_is_told_so(site: ChatSite) -> None:
    assert "no clean lap" in ask(site, "what is my target", f"drivers/{UNCLEAN}.html").answer


def test_a_hostile_name_is_read_as_a_name(site: ChatSite) -> None:
    given = ask(site, "who finished 3rd", SESSION_PAGE)
    assert given.answer.startswith("P3 of 8: #13")
    assert given.mode == "rules"
