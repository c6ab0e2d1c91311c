"""What the simulated world does wrong on purpose, as data: so that every diagnosis can be seen at work."""
