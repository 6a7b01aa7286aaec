"""How word of letters comes back: implementations of `retention.ports.WebhookParser`, one module for each provider."""
