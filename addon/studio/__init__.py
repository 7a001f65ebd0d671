"""Production without a window: folders of dialogue, and a ledger of what became of every line."""
