"""Ledger: what happened, in a hash chain, and answers kept for resends."""
