"""JSON of the API in, Rich renderables out; nothing here calls or decides."""
