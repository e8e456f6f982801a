"""Trying the API against its own description, with everything a well-meaning caller would know of the town."""
