"""A scaling pass by the number of machines: calls, seconds, memory, state data."""
