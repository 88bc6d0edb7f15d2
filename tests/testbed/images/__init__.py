"""Images for tests, each built once for its content: those of the project, and stand-ins for the stores' official ones."""
