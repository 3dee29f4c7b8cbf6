"""How the doctor looks."""

import datetime
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How chains are looked at.

    Attributes:
        public: whether the public URL is asked.
        at_once: requests to public URLs that are under way at a time.
        settle_for: seconds for which an answer that may still settle (404, 502 to 504, no
            connection) is asked for again; 0 asks once.
        limit: seconds after which what public URLs have not answered is left.
        grace: for how long what is under way is no fault: a delivery, a reconcile.
    """

    public: bool = True
    at_once: int = 32
    settle_for: float = 2.0
    limit: float = 60.0
    grace: datetime.timedelta = datetime.timedelta(minutes=2)
