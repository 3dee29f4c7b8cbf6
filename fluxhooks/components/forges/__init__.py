"""The forges' webhooks, one module per forge; they do not know each other."""
