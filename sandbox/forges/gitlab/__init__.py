"""A stand-in for GitLab: its webhook API, deliveries, and Git repositories one can push to.

It is a GitLab 19.1 of the tier Ultimate, with webhooks disabled by failures as on GitLab.com.

Where it knowingly differs from GitLab:

- Webhook URLs on 127.0.0.1 and localhost are accepted, as where an administrator allows requests to
  the local network.
- Clients use HTTP, on one host for the web site, Git and the API.
- One user, who owns every group. A token has the scope `api` or `read_api`, or is a Developer's,
  who may not see webhooks.
- Of the rate limits only those of tests and resends count by themselves; the others answer on
  demand. There is no limit of deliveries.
- URL variables, custom headers, templates and signing tokens of webhooks are refused with 501, and
  so is a test of an event of which projects here can have none.
- Texts of network errors are invented, and so are those for a body that cannot be read or a
  project without commits under a group.
- Where GitLab's behaviour is not documented the stricter reading counts: `url` is required in every
  edit, an attribute that is null is invalid where a boolean is wanted, editing a webhook does not
  enable it again.
"""

from sandbox.forges.faults import Fault
from sandbox.forges.front import Request
from sandbox.forges.gitlab.deliveries import Delivery
from sandbox.forges.gitlab.faults import Faults
from sandbox.forges.gitlab.hooks import Hook
from sandbox.forges.gitlab.server import GitLab
from sandbox.forges.repository import Repository

__all__ = ["Delivery", "Fault", "Faults", "GitLab", "Hook", "Repository", "Request"]
