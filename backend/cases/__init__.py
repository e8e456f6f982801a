"""Cases: the closed loop from a report to its rating."""
