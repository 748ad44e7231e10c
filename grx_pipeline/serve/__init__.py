"""The thin server: the published site over HTTP, new builds live, and questions. Nothing here changes a file."""
