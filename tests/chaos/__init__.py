"""Faults while messages flow: what is done to which part (`faults`), in which order (`schedule`), by whom (`campaign`)."""
