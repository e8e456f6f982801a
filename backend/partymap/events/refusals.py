"""Why somebody cannot announce, sign up for or check in to an event, each with its own code."""

from backend.http.problems import Problem


class EventSettled(Problem):
    """A change that those who signed up could not have known of, or of an event that was cancelled or is over."""

    status, code = 409, "event_settled"
    zh = "活动发布后只能修改说明、增加名额或取消；已取消或已结束的活动不能再改。"
    en = "Once published, only the description can change, places be added, or the event be cancelled."


class NotSignUpTime(Problem):
    """An event that is not published, was cancelled, or has begun."""

    status, code = 409, "not_sign_up_time"
    zh, en = "该活动现在不能报名或取消报名。", "This is not the time to sign up for this event, or to take it back."


class EventNotForYou(Problem):
    """An event that the caller's roles may not sign up for."""

    status, code = 403, "event_not_for_you"
    zh, en = "该活动不对您的身份开放。", "This event is not open to you."


class EventFull(Problem):
    """An event without a place left, for somebody at its door."""

    status, code = 409, "event_full"
    zh, en = "该活动名额已满。", "This event has no place left."


class NotCheckInTime(Problem):
    """An event at which nobody checks in now."""

    status, code = 409, "not_check_in_time"
    zh = "签到时间为活动开始前 {minutes} 分钟至活动结束。"
    en = "Checking in begins {minutes} minutes before the event and ends with it."


class CodeNotValid(Problem):
    """A code that is not, or no longer, the one shown at the door."""

    status, code = 422, "code_not_valid"
    zh, en = (
        "签到码无效或已过期，请扫描现场正在显示的签到码。",
        "This code is not valid any more; scan the one shown at the door now.",
    )


class TooFarAway(Problem):
    """Somebody who is not where the event is."""

    status, code = 422, "too_far_away"
    zh = "您不在活动地点 {metres} 米范围内，请到现场签到。"
    en = "You are not within {metres} metres of the event; check in there."


class NotOverYet(Problem):
    """A turnout that is still changing."""

    status, code = 409, "event_not_over"
    zh, en = "活动结束后才能查看到场统计。", "The turnout is told when the event is over."
