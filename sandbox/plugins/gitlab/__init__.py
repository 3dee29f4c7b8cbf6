"""A stand-in for the pulumi-gitlab plugin, for machines that cannot download the official one.

It speaks Pulumi's provider protocol to the engine and REST to a GitLab, and knows the two resources
`ProjectHook` and `GroupHook`. What it does is read from the schema of the SDK, from the
documentation of the Terraform provider below it and from what that provider's source was when it
was last public on the same terms; nothing was recorded of the official plugin.

- A changed `url` replaces a webhook, a changed `project` or `group` too. So does every other change
  of a group's webhook, which the source did and nothing says to have ended; of a project's, the
  provider's authors have ended it.
- Deleting a webhook that is gone fails with 404, as the source has it; a refresh forgets it first.
- A request that is answered 429 or 5xx is sent again, up to five times, a POST as well: a GitLab
  that fails after it did the work leaves a second webhook.
- What the official plugin can do and this one cannot is refused with an error that starts with
  `stand-in:`; so is a GitLab that nobody named, lest it speak to gitlab.com.
"""
