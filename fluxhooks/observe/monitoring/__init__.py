"""What a monitor keeps of webhooks: looked at again and again, told as metrics."""
