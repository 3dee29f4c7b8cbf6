"""What a ReceiverRoute is made of: arguments, their checks, and the objects."""
