"""What acts: on declared objects through Pulumi only, on those that no state knows directly."""
