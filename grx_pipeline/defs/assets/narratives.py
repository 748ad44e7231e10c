"""Coaching texts: how the UI presents this asset. The only one with a retry policy: it is the one that may ask a
service over the network."""

from grx_pipeline.defs.assets.factory import Card

CARDS: dict[str, Card] = {
    "out_narratives": Card(
        group="8_coaching",
        kinds=("parquet", "groq"),
        owner="team:race-engineering",
        text="What a coach says of each driver, the session and pairs. Without a key, or where the service fails, the "
        "rules write it; the figures below say who wrote how many paragraphs.",
        retries=2,
    ),
}
