"""Protected reports, the tasks that come of them, secrecy raised and lowered."""
