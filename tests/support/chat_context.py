"""Contexts of a chat as the site publishes them, small enough to be read in a test."""

from typing import Any


def fact(
    name: str, text: str, *, entity: str = "driver", metric: str = "best_lap", value: float | None = 1.0
) -> dict[str, Any]:
    return {
        "id": name,
        "entity": entity,
        "metric": metric,
        "meaning": f"what {name} is",
        "value": value,
        "unit": "ms",
        "n": None,
        "text": text,
        "table": "lap_statistics",
        "key": "x",
    }


def answer(question: str, words: str, text: str, *facts: str, writer: str = "rules") -> dict[str, Any]:
    return {
        "question": question,
        "words": words.split(),
        "part": question,
        "writer": writer,
        "answer": text,
        "facts": facts,
    }


def driver_context(vehicle: str, path: str, number: str) -> dict[str, Any]:
    return {
        "kind": "driver",
        "vehicle_id": vehicle,
        "other_id": "",
        "page": f"drivers/{path}.html",
        "facts": [
            fact("best.lap", f"1:3{number}.000"),
            fact("loss", "0.210 s", entity="corner:T5"),
            fact("gain", "0.100 s", entity="sector:3"),
        ],
        "rules": {},
        "names": [],
        "answers": [
            answer("How did it go?", "result best race", f"Your best lap is 1:3{number}.000.", "best.lap"),
            answer("What should I change first?", "brake corner improve", "You lose 0.210 s in T5.", "loss"),
            answer("Where is the time to my target?", "target sector time", "In sector 3 there is 0.100 s.", "gain"),
            answer("What can you not tell me?", "missing telemetry", "There is no telemetry.", writer="llm"),
        ],
    }


def pair_context(a: str, b: str, page: str) -> dict[str, Any]:
    return {
        "kind": "comparison",
        "vehicle_id": a,
        "other_id": b,
        "page": page,
        "facts": [fact("gap", "0.075 s", entity="pair")],
        "rules": {},
        "names": [],
        "answers": [
            answer("Who is quicker?", "quicker faster gap", "#2 is 0.075 s faster than #13.", "gap"),
            answer("What is missing?", "missing", "Nothing is missing."),
        ],
    }


def fleet_context() -> dict[str, Any]:
    return {
        "kind": "fleet",
        "vehicle_id": "",
        "other_id": "",
        "page": "index.html",
        "facts": [fact("winner.car", "#2", entity="fleet")],
        "rules": {},
        "names": [],
        "answers": [
            answer("Who won, and how?", "won winner win", "#2 won.", "winner.car"),
            answer("What were the conditions?", "weather rain", "The air had 30 °C."),
        ],
    }
