"""The command line: one verb a file. It edits declarations, shows what is so, and starts controllers; it decides nothing about
what runs."""
