"""A stand-in for the pulumi-gitlab plugin, for machines that cannot download the official one.

It speaks Pulumi's provider protocol to the engine and REST to a GitLab, and knows the two resources
`ProjectHook` and `GroupHook`. It is made after the SDK's schema and the documentation, the issues
and older source of the Terraform provider below the official plugin; nothing was recorded of that.

- A changed `url` replaces a webhook, and so does a changed `project` or `group`. Every other change
  replaces a group's webhook, as the older source did it; a project's is edited in place, which the
  provider's authors have mended since (their issue 6807).
- Deleting a webhook that is gone fails with 404, as the source has it; a refresh forgets it first.
- A request that is answered 429 or 5xx is sent again, up to five times, a POST as well: a GitLab
  that fails after it did the work leaves a second webhook.
- What the official plugin can do and this one cannot is refused with an error that starts with
  `stand-in:`; so is a GitLab that nobody named, lest it speak to gitlab.com.
"""
