# Tests of the tree itself: layering, headers, banned calls, sizes, formatting.
