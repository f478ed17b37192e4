#!/bin/sh
# The Nth store.write of a whole story fails, for every N.
exec "$BERTH_BUILDDIR/tests/faults/test_nth" store.write
