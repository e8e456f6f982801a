"""Shared rooms 共享空间 of service points: rules of who may book and for how long, bookings, waiting, calendars."""
