"""Danger, category and urgency out of a text, and what the town's own cases teach."""
