"""A stand-in for GitHub: its webhook API, signed deliveries, and Git repositories one can push to.

Where it knowingly differs from GitHub:

- Webhook URLs on 127.0.0.1 and localhost are accepted; GitHub refuses hosts that the public
  internet does not reach.
- Clients use HTTP, on one host for the web site, Git and the API (at `/` and at `/api/v3/`, as on
  an Enterprise Server); everything else is as on github.com.
- One organisation and one user; a token, an App's too, either reads, writes or does not see
  webhooks. An App is installed for all repositories, and its tokens do not expire.
- A delivery keeps the URL and secret its webhook had when it was queued; GitHub says neither so
  nor otherwise. Nothing expires: the log has no three-day window.
- Of the rate limits only the hourly quota counts by itself; the secondary limits answer on demand.
- Texts that GitHub does not publish are invented: for an unknown event, a bad content type, an
  empty list of events, a bad cursor. So are the status codes of deliveries without an answer: 504
  when it timed out, 502 when there was no connection. Status and field names are as published.
- Where GitHub's behaviour is not documented the stricter reading counts: two webhooks of one URL
  are twins even when their secrets differ, an inactive webhook is not pinged, `ping` cannot be
  subscribed to, basic authentication in a webhook's configuration is refused, an edit of `config`
  resets what it leaves out.
"""

from sandbox.forges.faults import Fault
from sandbox.forges.front import Request
from sandbox.forges.github.apps import App
from sandbox.forges.github.deliveries import Delivery
from sandbox.forges.github.faults import Faults
from sandbox.forges.github.hooks import Hook
from sandbox.forges.github.server import GitHub
from sandbox.forges.repository import Repository

__all__ = ["App", "Delivery", "Fault", "Faults", "GitHub", "Hook", "Repository", "Request"]
