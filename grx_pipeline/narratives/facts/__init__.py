"""The facts of each kind of text: driver, fleet and comparison. Nothing here writes a sentence."""
