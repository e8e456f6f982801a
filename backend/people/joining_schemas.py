"""Shapes of joining, codes, consent and the list of sign-ins."""

from marshmallow import Schema, fields, validate

from backend.http.fields import Shape, Strict, Text
from backend.http.pages import page_of
from backend.people.codes import PURPOSES
from backend.people.passwords import LEAST_PASSWORD, LONGEST_PASSWORD
from backend.people.phones import Phone

_PHONE = {"example": "13800000001"}
SIX_DIGITS = Shape("[0-9]{6}$", ("验证码是六位数字。", "A code is six digits."))
_WECHAT = {"description": "the code of wx.login(): links the WeChat user, who then signs in without a phone code"}


class DeviceBody(Strict):
    """What a client may say of its device."""

    device_id = Text(
        100, metadata={"description": "random, kept on the device; if given, refreshing needs the same one"}
    )
    device_name = Text(100, metadata={"description": "shown in the list of sign-ins", "example": "华为 Mate 60"})


class SignInBody(DeviceBody):
    """Phone and password."""

    phone = Phone(required=True, metadata=_PHONE)
    password = Text(LONGEST_PASSWORD, required=True)


class RefreshBody(Strict):
    """A refresh token."""

    refresh_token = Text(4000, required=True)
    device_id = Text(100)


class TokensSchema(Schema):
    """A pair of tokens."""

    access_token = fields.String(required=True)
    refresh_token = fields.String(required=True)


class CodeWantedBody(Strict):
    """Where to send a code, and what for."""

    phone = Phone(required=True, metadata=_PHONE)
    purpose = fields.String(required=True, validate=validate.OneOf(PURPOSES))


class ProofBody(Strict):
    """A code that was sent to a phone."""

    code_id = fields.UUID(required=True, metadata={"description": "as answered when the code was asked for"})
    phone = Phone(required=True, metadata=_PHONE)
    code = fields.String(required=True, validate=SIX_DIGITS, metadata={"pattern": "^[0-9]{6}$"})


class RegisterBody(ProofBody, DeviceBody):
    """A newcomer."""

    name = Text(100, required=True)
    password = Text(LONGEST_PASSWORD, LEAST_PASSWORD, metadata={"description": "without one, sign in by codes"})
    consent = Text(20, required=True, metadata={"description": "version of the text agreed to, see /consent"})
    wechat_code = Text(200, metadata=_WECHAT)


class CodeSignInBody(ProofBody, DeviceBody):
    """Signing in by a code; the password besides where the number alone is not believed any more."""

    password = Text(LONGEST_PASSWORD)
    wechat_code = Text(200, metadata=_WECHAT)


class NewPasswordBody(ProofBody, DeviceBody):
    """A password in place of a forgotten one."""

    password = Text(LONGEST_PASSWORD, LEAST_PASSWORD, required=True)


class WechatBody(DeviceBody):
    """The code of wx.login()."""

    wechat_code = Text(200, required=True)


class ChangePasswordBody(Strict):
    """Another password, and the present one where there is one."""

    password = Text(LONGEST_PASSWORD, LEAST_PASSWORD, required=True)
    current = Text(LONGEST_PASSWORD)


class CodeSentSchema(Schema):
    """The id to use the code under, and how long it is good."""

    code_id = fields.UUID(required=True)
    seconds = fields.Integer(required=True)


class ConsentSchema(Schema):
    """The text on personal data to agree to."""

    version = fields.String(required=True)
    zh = fields.String(required=True)
    en = fields.String(required=True)


class ConsentBody(Strict):
    """The version agreed to."""

    version = Text(20, required=True)


class SignInSchema(Schema):
    """One sign-in."""

    id = fields.UUID(required=True)
    device = fields.String(allow_none=True, required=True)
    since = fields.AwareDateTime(required=True)
    last_used_at = fields.AwareDateTime(required=True, metadata={"description": "when its tokens were last refreshed"})
    this_one = fields.Boolean(required=True)
    ended_at = fields.AwareDateTime(allow_none=True, required=True)
    ended_why = fields.String(
        allow_none=True,
        required=True,
        metadata={
            "description": "signed_out, password_changed, or token_reused: its tokens were used by somebody else"
        },
    )


SignInsSchema = page_of("SignInsSchema", SignInSchema)
