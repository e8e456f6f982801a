"""Phone numbers: one spelling for each."""

from typing import Any

import phonenumbers
from marshmallow import ValidationError

from backend.http.fields import Text

BAD_PHONE = ("手机号码不正确，请填写如 13800000001 的号码。", "This is not a phone number; write it like 13800000001.")


def normal_phone(written: str) -> str | None:
    """A number in E.164 (`+8613800000001`) from any usual spelling, China where no country is named; None if none."""
    try:
        number = phonenumbers.parse(written, "CN")
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


class Phone(Text):
    """A phone number in any spelling, read as E.164."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(30, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        phone = normal_phone(text)
        if phone is None:
            raise ValidationError([BAD_PHONE])
        return phone
