"""The Pulumi plugin that serves the components to programs in every language."""
