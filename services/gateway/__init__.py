"""The gateway: what clients connect to. HTTP, WebSocket and the web client; no state of its own but connections."""
