"""Values over time in data-blocks: targets, keys and whose they are, lines in an Action, NLA strips, overlays."""
