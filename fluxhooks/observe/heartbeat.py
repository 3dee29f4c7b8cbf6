"""A call that says all was well: whoever misses it raises the alarm."""

SECONDS = 10.0


def beat(url: str) -> str:
    """GET `url`; return what went wrong, "" where it was answered 2xx.

    The URL is a secret of the service that waits for it, and is in no text that is returned.
    """
    # Loaded where it is used: a look at a stack needs no client for it.
    import httpx

    try:
        status = httpx.get(url, timeout=SECONDS, follow_redirects=False).status_code
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        return type(error).__name__
    return "" if 200 <= status < 300 else f"it was answered {status}"
