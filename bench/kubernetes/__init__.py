"""What the controller costs in a cluster that has many systems."""
