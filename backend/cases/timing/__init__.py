"""Limits, colours, more time, and the job that sees steps turn red."""
