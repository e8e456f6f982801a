"""Rewards: scores every village from the facts of the other rooms, and what the committee makes of the ranking."""
