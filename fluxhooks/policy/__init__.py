"""What a stack with Receivers and webhooks must keep to, as a policy pack of Pulumi's."""
