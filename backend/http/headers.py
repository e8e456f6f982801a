"""Headers that keep a browser from doing more with an answer than was meant."""

from flask import Flask, Response

_CLOSED = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
_OTHERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
_ALL = (("Content-Security-Policy", _CLOSED), *_OTHERS)


def page_policy(style: str = "'self'", img: str = "'self'") -> str:
    """The Content-Security-Policy of a page: scripts, styles, pictures and data from this server only, none inline."""
    return f"{_CLOSED}; script-src 'self'; connect-src 'self'; font-src 'self'; style-src {style}; img-src {img}"


def init_headers(app: Flask) -> None:
    """Send them with every answer. Data needs the strictest policy, pages set theirs."""

    def add(response: Response) -> Response:
        response.headers.extend(_OTHERS if "Content-Security-Policy" in response.headers else _ALL)
        return response

    app.after_request(add)
