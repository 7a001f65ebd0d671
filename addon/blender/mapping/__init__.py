"""Which key each channel moves: the table, its files, Solo, and guesses from what the shapes do."""
