"""The embedded Database: one SQLite file with a write-ahead log."""
