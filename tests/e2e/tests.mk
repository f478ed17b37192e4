# End to end: the real programs on a real pseudo-terminal.
# A script is executable, speaks TAP on its standard output, finds the programs in $BERTH and $BERTHD, and is named in
#   script_tests += tests/e2e/thing.py
