"""What the pipeline costs on this machine, measured beside bare tools in one run."""
