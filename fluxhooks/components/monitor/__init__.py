"""What a ReceiverMonitor is made of: arguments, their checks, the objects, and the alert rules."""
