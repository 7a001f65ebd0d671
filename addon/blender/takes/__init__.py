"""Takes: curves become keys, again and again, and whatever moves a head becomes curves or a file for a game engine."""
