"""Whoever reported: their identity, their receipts, what is asked of them and what they say of the work."""
