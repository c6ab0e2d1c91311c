"""One module per API kind; each analyzer answers one question about it."""
