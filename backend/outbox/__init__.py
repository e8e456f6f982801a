"""Outbox: what leaves the system after a commit, written beside the change that causes it and sent afterwards."""
