#!/bin/sh
# The Nth store.read of a whole story fails, for every N.
exec "$BERTH_BUILDDIR/tests/faults/test_nth" store.read
