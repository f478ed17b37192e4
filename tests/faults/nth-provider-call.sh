#!/bin/sh
# The Nth provider.call of a whole story fails, for every N.
exec "$BERTH_BUILDDIR/tests/faults/test_nth" provider.call
