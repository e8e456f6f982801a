"""How an SMS is cut: in the alphabet of 3GPP TS 23.038 (GSM-7) where that has every character, else in UCS-2.

One part holds 160 septets or 70 units of UTF-16; of several each holds 153 or 67, the rest tells which of how many it
is (TS 23.040, 9.2.3.24.1). What takes two (an extended character, a surrogate pair) is never cut apart.
"""

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("\f^{}\\[~]|€")
SINGLE, JOINED = {True: 160, False: 70}, {True: 153, False: 67}


def parts_of(text: str) -> list[str]:
    """The parts in which a text is sent; an empty text is one empty part."""
    septets = all(character in _BASIC or character in _EXTENDED for character in text)
    if sum(_units(character, septets) for character in text) <= SINGLE[septets]:
        return [text]
    parts, filled = [""], 0
    for character in text:
        units = _units(character, septets)
        if filled + units > JOINED[septets]:
            parts, filled = [*parts, ""], 0
        parts[-1] += character
        filled += units
    return parts


def _units(character: str, septets: bool) -> int:
    return 1 + (character in _EXTENDED if septets else ord(character) > 0xFFFF)
