"""The vocabulary every stage shares: no behaviour beyond parsing and printing itself."""
