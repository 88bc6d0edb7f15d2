"""From a declaration to what has to run: pure functions, one file per component. `build.build` is the way in."""
