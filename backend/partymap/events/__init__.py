"""Events 活动 and training: Party classes, volunteering, cleaning days, courses; signing up, checking in, turnout."""
