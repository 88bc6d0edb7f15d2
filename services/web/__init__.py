"""The web client: plain ES modules below static/, served by the gateway as they are, and the generator of their schema."""
