"""Checks of stores that run somewhere else: what would keep the services from working on them, in words a person can act on."""
