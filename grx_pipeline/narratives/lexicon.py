"""Words that the checks on a text know: sides of an axis, numbers, units, causes, advice, denials, the vocabulary."""

import functools
import re
from collections.abc import Mapping
from importlib import resources


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Axis -> words for a value over zero, words for one under zero. Of `time` and `pace` over zero is slower.
AXES: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "time": (
        _words("lose loses losing lost loss cost costs costing slower behind off "),
        _words("gain gains gaining gained faster quicker ahead saves"),
    ),
    "pace": (
        _words("slower faded fade dropped lost"),
        _words("faster quicker improved gained"),
    ),
    "find": (_words("find found gain left available"), frozenset()),
    "place": (_words("later late"), _words("earlier early sooner")),
    "level": (_words("higher"), _words("lower")),
    "force": (_words("harder higher"), _words("softer lower lighter")),
    "amount": (_words("longer more greater"), _words("shorter fewer less")),
    "heat": (_words("warmer rose"), _words("cooler fell")),
}
# Words that can stand for another thing and so prove nothing against a sentence.
_WEAK = _words("left set find found")
TURNING = frozenset(word for sides in AXES.values() for side in sides for word in side) - _WEAK

NUMBER_WORDS = _words(
    "zero nil one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred hundreds thousand "
    "thousands million once twice thrice half halves third thirds quarter quarters second seconds fourth fifth sixth "
    "seventh eighth ninth tenth tenths hundredth hundredths thousandth thousandths first double doubled triple "
    "dozen couple pair pairs both single percent percentage"
)
UNIT_WORDS = _words(
    "s sec secs ms millisecond milliseconds m metre metres meter meters km kmh kph mph mile miles bar bars psi deg "
    "degree degrees celsius minute minutes hour hours g kg rpm hz"
)
# Nouns that would give a figure another meaning right behind it.
COUNTED_WORDS = _words("lap laps car cars corner corners place places point points time times driver drivers")
CAUSE_WORDS = _words(
    "because since due cause caused causes thanks therefore hence owing reason explains explained "
    "leads leading results resulting"
)
ADVICE_WORDS = _words(
    "try brake squeeze press release carry commit wait move keep aim focus work should must need avoid practise "
    "practice change bring take use watch look repeat copy slow hold open link build ask choose drive write "
    "attack compare push trust risk turn soften raise stay go let put settle"
)
ABSOLUTES = _words(
    "always never every each all none constantly invariably everywhere nowhere nobody everyone perfect perfectly "
    "only entire entirely whole"
)
SUPERLATIVES = _words(
    "most mostly mainly chiefly main least dearest widest narrowest largest biggest greatest smallest worst weakest "
    "strongest closest nearest furthest highest lowest steadiest smoothest fewest best won wins winner steadier "
    "fastest quickest slowest longest shortest earliest latest softest hardest record champion podium"
)
# What `best` may stand in without being a judgement of its own.
BEST_OF = (
    *("best laps", "best lap", "best clean lap", "best clean laps", "best sectors", "class best", "best of the class"),
    *("best there", "best sector of", "own best", "your best", "the best itself"),
)
# Words before a figure; a name does not stand there.
FIGURE_LEADS = _words(
    "is are was were by lose loses rank ranks leave leaves on shows had has have reads around begins cost costs it "
    "from holds be gains gain finished completed reasons"
)
CLAIMS = (
    "came close",
    "as well as",
    "comes from",
    "came on",
    "laps compared",
    "lap for lap",
    "usual spread",
    "got there",
    "next mark",
    "left out",
    "of them",
)
# Names of which nothing has to be told, and the words they stand behind.
LEADS: Mapping[str, frozenset[str]] = {
    "circuit": _words("at in"),
    "reference": _words("against beside than"),
    "traced_car": _words("of"),
}
# Of these, names that stand in an advice, beside no figure, with these words; and words before the place of a rule.
WITHOUT_FIGURES: Mapping[str, str] = {"traced_car": "lap of"}
PLACED = _words("in into through")
ALLOWED_CAPITALS = frozenset(("SIWTL", "DPTAD"))
# A text says what is; what is not, may be or nearly was has no fact.
DENIALS = _words(
    "not no nor neither without hardly barely scarcely rarely seldom cannot except unlike minus nearly almost roughly "
    "approximately maybe perhaps possibly probably allegedly supposedly would could should might may can will shall if "
    "unless lest nothing nobody none fake wrong false untrue"
)
# Words that change the figure behind them.
BENDING = _words(
    "over under above below beyond past than to least most about around near nearly within outside until up down minus "
    "plus from like besides another a an beside between towards toward more less some any"
)
# Labels of a place that do not name it.
BESIDE_A_PLACE = frozenset(("phase", "reference"))
# `A lap`, `a corner`: they would make a rate of a figure.
RATES, RATED = _words("a an per"), _words("lap corner sector race session stint turn straight")
# Places of the lap, and words that stand for one that was named: a figure of the whole race has none.
PLACES = _words("corner corners entry exit apex straight straights braking turn turns bend pits pit way")
ANAPHORS = _words("there here")
# Who is told of, and verbs: `the class is`, `the others lose`.
OTHERS_AS_SUBJECT = _words("class field others reference they drivers best median")
VERBS = _words(
    "is are was were be has have had lose loses lost gain gains gained cost costs brake brakes lift lifts coast coasts "
    "rank ranks finished finishes finish set sets drove drives went goes leaves leave vary varies came comes got gets "
    "reads shows stands makes takes gives"
)


@functools.cache
def vocabulary() -> frozenset[str]:
    """Words that any text may use: ordinary ones, so that no name hides behind a capital and no claim among them."""
    text = resources.files("grx_pipeline.narratives").joinpath("prompts", "vocabulary.txt").read_text(encoding="utf-8")
    return frozenset(re.findall(r"[a-z]+", text)) - NUMBER_WORDS - DENIALS


@functools.cache
def known_words() -> frozenset[str]:
    """The vocabulary, and the words that a check of their own lets pass or not."""
    return vocabulary() | TURNING | _WEAK | ADVICE_WORDS | CAUSE_WORDS | SUPERLATIVES
