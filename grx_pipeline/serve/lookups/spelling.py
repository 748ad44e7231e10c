"""Words as people type them at night: slips of the keyboard put right, numbers in words, other languages noticed."""

import re
from collections.abc import Iterable

_TOKEN = re.compile(r"[a-z]+(?:'(?!s\b)[a-z]+)?")
_LEAST_LETTERS, _LONG = 5, 8


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Words of questions that a slip may be meant for.
_TOPICS = _words(
    "advice average behind better between brake braking brakes change clean closing compare compared consistency "
    "consistent consistently corner corners distance driver entry faster fastest field figures finish finished "
    "improve laps losing minimum mistake mistakes opening overtake pace podium position potential pressure "
    "quicker quickest race reason results sector sectors session slower slowest smooth smoother smoothness speed "
    "speeds steady steering strength strengths target telemetry temperature throttle tomorrow traces traffic "
    "uneven valid weather where winner yellow"
)
# Ordinary words that look like one of them and are not meant so.
_ORDINARY = _words(
    "board braces brackets brave break breaks broke chance chances changed changes charge clear clearly closed "
    "compares crossing crossings distances drive driven drivers drives figure finals finest finishes here improved "
    "improves latest latter leader leaders letter losers losses matter opposition paced paces place placed places "
    "posing positive races rapid rates reasons result season seasons sections seeds sessions smoothed spare speech "
    "spend spent steadily steep steer steers targets there these those three trace traced track tracks trades value "
    "were winners winter yellows"
)
_SLIPS = {
    "wher": "where",
    "wich": "which",
    "wat": "what",
    "whats": "what's",
    "hows": "how's",
    "loosing": "losing",
    "loose": "lose",
    "brak": "brake",
    "teh": "the",
    "tyre's": "tyres",
    "dont": "don't",
    "didnt": "didn't",
    "doesnt": "doesn't",
    "wasnt": "wasn't",
    "arent": "aren't",
}
_SMALL = (
    *("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen"),
    *("fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SPELLED = re.compile(
    rf"\b(car|number|driver)\s+(?:({'|'.join(_TENS)})(?:[ -]({'|'.join(_SMALL[:9])}))?|({'|'.join(_SMALL)}))\b"
)
_FOREIGN = _words(
    # German, French, Spanish, Portuguese and Italian words of which English has none.
    "wo wie wer ich mein meine meinen warum zeit runde runden verliere verloren schnellste schneller welche welcher "
    "ist nicht und das bin habe wieviel mich vergleiche sektor "
    "quel quelle est mon où je meilleur meilleure pourquoi suis perds temps les combien avec secteur tour "
    "dónde donde cuál cual cómo mejor vuelta vueltas tiempo pierdo quién quien soy por qué mi el los "
    "onde melhor volta minha meu perco "
    "dove migliore perché mio giro sono perdo quale"
)
_LAST_LATIN = "\u024f"
_WORD = re.compile(r"[^\W\d_]+")


def spelled_right(text: str, names: Iterable[str]) -> str:
    """The text in lower case with slips put right and numbers of cars in figures; words of `names` stay."""
    kept = {word for name in names for word in _WORD.findall(name.casefold())}
    text = _TOKEN.sub(lambda match: _right(match.group(), kept), text.casefold().replace("\u2019", "'"))
    return _SPELLED.sub(_in_figures, text)


def is_foreign(text: str) -> bool:
    """Whether a text is in another language than English, as far as a few words of it tell."""
    words = _WORD.findall(text.casefold())
    if any(letter > _LAST_LATIN for word in words for letter in word):
        return True
    known = sum(word in _FOREIGN for word in words)
    return known > 1 and known * 3 >= len(words)


def _right(word: str, kept: set[str]) -> str:
    if word in _SLIPS:
        return _SLIPS[word]
    if len(word) < _LEAST_LETTERS or word in _TOPICS or word in _ORDINARY or word in kept:
        return word
    slips = 1 if len(word) < _LONG else 2
    near = sorted((_distance(word, topic), topic) for topic in _TOPICS if topic[0] == word[0])
    if not near or near[0][0] > slips or (len(near) > 1 and near[1][0] == near[0][0]):
        return word
    return near[0][1]


def _distance(word: str, other: str) -> int:
    """Letters left out, put in, changed or swapped with the next one, at least."""
    if abs(len(word) - len(other)) > 2:
        return len(word)
    rows = [list(range(len(other) + 1))]
    for i, letter in enumerate(word, start=1):
        row = [i]
        for j, wanted in enumerate(other, start=1):
            best = min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and word[i - 2] == wanted:
                best = min(best, rows[-2][j - 2] + 1)
            row.append(best)
        rows.append(row)
    return rows[-1][-1]


def _in_figures(match: "re.Match[str]") -> str:
    noun, tens, ones, small = match.groups()
    if small:
        return f"{noun} {_SMALL.index(small) + 1}"
    number = 10 * (_TENS.index(tens) + 2) + (_SMALL.index(ones) + 1 if ones else 0)
    return f"{noun} {number}"
