"""Whether public URLs lead to Receivers that take what their senders send, and why not."""
