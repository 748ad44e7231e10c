"""`python -m grx_pipeline` is `grx`."""

from grx_pipeline.cli import main

main()
