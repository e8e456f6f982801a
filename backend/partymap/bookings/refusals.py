"""Why a room cannot be had for a time, each with its own code: a series tells them date by date."""

from backend.http.problems import Problem


class NotBookable(Problem):
    """A time that the rules of a room do not allow."""

    status = 422


class EndsBeforeItBegins(NotBookable):
    """A time of no or negative length."""

    code = "ends_before_it_begins"
    zh, en = "结束时间应晚于开始时间。", "A booking ends after it begins."


class InThePast(NotBookable):
    """A time that has begun."""

    code = "in_the_past"
    zh, en = "开始时间已过，请另选时间。", "This time has begun already; choose another."


class OffStep(NotBookable):
    """A time that begins or ends beside the room's steps."""

    code = "off_step"
    zh = "开始和结束时间应为 {step_minutes} 分钟的整数倍。"
    en = "A booking begins and ends at a multiple of {step_minutes} minutes."


class WrongLength(NotBookable):
    """A time that is shorter or longer than the room allows."""

    code = "wrong_length"
    zh = "每次预约应为 {shortest_minutes} 到 {longest_minutes} 分钟。"
    en = "A booking of this room takes {shortest_minutes} to {longest_minutes} minutes."


class TooFarAhead(NotBookable):
    """A time later than the room is booked for."""

    code = "too_far_ahead"
    zh, en = "最多可提前 {ahead_days} 天预约。", "This room is booked at most {ahead_days} days ahead."


class TooManyPeople(NotBookable):
    """More people than the room holds."""

    code = "too_many_people"
    zh, en = "该场地最多容纳 {capacity} 人。", "This room holds {capacity} people."


class NotOpenThen(NotBookable):
    """A time at which the service point's door is shut for a part: outside its hours, or on a day off."""

    code = "not_open_then"
    zh = "党群服务点在这段时间不全开放，请查看其开放时间和节假日安排。"
    en = "The service point is not open for all of this time; see its hours and days off."


class NotForYou(Problem):
    """A room that the caller's roles may not book."""

    status, code = 403, "room_not_for_you"
    zh, en = "该场地不对您的身份开放预约。", "This room is not open to you for booking."


class Barred(Problem):
    """Somebody who was marked too often as not having come."""

    status, code = 403, "barred_for_no_shows"
    zh = "您近 {bar_days} 天内有 {bar_after} 次预约未到场，暂不能预约该场地。"
    en = "You did not come to {bar_after} bookings within {bar_days} days, and may not book this room for now."


class TooManyToCome(Problem):
    """Somebody who has as many bookings to come as the room allows."""

    status, code = 409, "too_many_to_come"
    zh = "您在该场地待使用的预约已达 {most_to_come} 个，请用完或取消后再约。"
    en = "You have {most_to_come} bookings of this room to come, which is the most; use or cancel one first."


class RoomTaken(Problem):
    """A time that somebody else has, for a part or all of it."""

    status, code = 409, "room_taken"
    zh = "这段时间已被预约，请另选时间，或选择候补。"
    en = "This room is taken for a part of that time; choose another time, or wait for it."


class RoomGivenUp(Problem):
    """A room that is not shared any more, or whose service point was given up."""

    status, code = 409, "room_given_up"
    zh, en = "该场地已停止共享。", "This room is not shared any more."


class BookingOver(Problem):
    """A booking that was cancelled, has begun, or otherwise stands no more."""

    status, code = 409, "booking_over"
    zh, en = "该预约已取消、已开始或已结束，不能再改动。", "This booking was cancelled, has begun or is over."


class NotYetBegun(Problem):
    """A booking of which nobody can say yet whether somebody came."""

    status, code = 409, "booking_not_begun"
    zh, en = "该预约尚未开始，不能登记到场情况。", "This booking has not begun; nobody can say yet who came."
