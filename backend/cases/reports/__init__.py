"""Figures of a period, lists as files, a case on one page."""
