"""``make bench``: see `benchmarks.run`."""

from benchmarks.run import main

main()
