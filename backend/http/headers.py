"""Headers that keep a browser from doing more with an answer than was meant."""

from flask import Flask, Response

_CLOSED = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
_HEADERS = (
    ("Content-Security-Policy", _CLOSED),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)


def page_policy(style: str = "'self'", img: str = "'self'") -> str:
    """The Content-Security-Policy of a page: scripts, styles, pictures and data from this server only, none inline."""
    return f"{_CLOSED}; script-src 'self'; connect-src 'self'; font-src 'self'; style-src {style}; img-src {img}"


def init_headers(app: Flask) -> None:
    """Send them with every answer; a route's own come first. Data needs the strictest policy, pages set theirs."""

    def add(response: Response) -> Response:
        for name, value in _HEADERS:
            response.headers.setdefault(name, value)
        return response

    app.after_request(add)
