"""From a blueprint to Kubernetes objects: pure functions, one file per kind. `build.render` is the way in."""
