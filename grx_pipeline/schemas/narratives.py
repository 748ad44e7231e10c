"""What the coaching texts are, what they rest on, and what a language model was asked for."""

from grx_pipeline.schemas.columns import count_column, list_column, real_column, text_column
from grx_pipeline.schemas.contract import Table

_SUBJECT = (
    text_column("kind", "driver, fleet or comparison"),
    text_column("vehicle_id", "the driver, or the first of a pair; empty for the fleet"),
    text_column("other_id", "the second of a pair; else empty"),
)
_SUBJECT_KEY = ("kind", "vehicle_id", "other_id")

NARRATIVE_TABLES: tuple[Table, ...] = (
    Table(
        name="narratives",
        text="Coaching texts, sentence by sentence: about each driver, the session, and pairs with a page.",
        step="out_narratives",
        columns=(
            *_SUBJECT,
            count_column("paragraph", "1 is the first", minimum=1),
            count_column("sentence", "1 is the first of the paragraph", minimum=1),
            text_column("part", "what the paragraph is for, as summary, change_1, pace"),
            text_column("writer", "rules, or llm for a sentence of the language model that passed every check"),
            text_column("template", "the sentence with the ids of its facts in braces"),
            text_column("text", "the sentence as it is read"),
            text_column("rule", "the rule that a cause or an advice rests on; null without either", null=True),
            list_column("fact_ids", "its facts, as in narrative_facts"),
        ),
        key=(*_SUBJECT_KEY, "paragraph", "sentence"),
    ),
    Table(
        name="narrative_facts",
        text="Every fact that a text may use: nothing else is said, and each is a figure of another table.",
        step="out_narratives",
        columns=(
            *_SUBJECT,
            text_column("fact_id", "unique in its text, as sector_2.gain"),
            text_column("entity", "what it is a figure of, as driver, corner:T5, sector:2, lap:8"),
            text_column("metric", "which figure, as loss; narratives/metrics.py says what each is"),
            real_column("value", "its value; null of a fact that is a name or a sentence"),
            text_column("unit", "ms, m, km/h, bar, s, laps, ...; text for a name or a sentence"),
            count_column("n", "how many laps, cars or readings it rests on", null=True),
            text_column("text", "as it is read"),
            text_column("source_table", "the table it is from"),
            text_column("source_key", "the row there: values of its key, joined by /"),
        ),
        key=(*_SUBJECT_KEY, "fact_id"),
    ),
    Table(
        name="narrative_requests",
        text="What a language model was asked for each text, and what became of the answers; empty without one.",
        step="out_narratives",
        columns=(
            *_SUBJECT,
            text_column("request", "hash of facts, prompt and model; the file of that name keeps question and answer"),
            text_column("model", "the model asked"),
            text_column("status", "accepted, partly, rejected, or why there is no answer, as timeout"),
            count_column("paragraphs", "paragraphs asked for"),
            count_column("accepted", "paragraphs that passed every check at once"),
            count_column("repaired", "paragraphs that passed after one repair"),
            count_column("replaced", "paragraphs that the rules wrote in its place"),
            list_column("problems", "what the checks found, in sentences"),
            count_column("prompt_tokens", "tokens of the questions"),
            count_column("answer_tokens", "tokens of the answers"),
        ),
        key=_SUBJECT_KEY,
    ),
)
