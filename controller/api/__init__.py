"""The declaration: `ChatSystem`, `ChatSystemBackup` and `ChatSystemRestore` as models, their validation, and the CRDs made from
them. Does no input or output; `generate` alone writes files, for the developer."""
