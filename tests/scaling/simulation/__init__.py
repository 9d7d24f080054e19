"""A world in memory in which the functions' tasks run for days in milliseconds, and an oracle that watches it."""
