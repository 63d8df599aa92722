"""What an operator writes, read once into values that cannot be wrong: the settings, the route map, the peppers."""
