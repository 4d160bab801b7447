"""One folder an experiment: what is asked, what is found, and how it is told; see `catalogue`."""
