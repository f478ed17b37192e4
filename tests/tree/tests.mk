# Tests of the tree itself: layering, headers, banned calls, sizes, formatting. They look at sources, so one build of
# the many that scripts/test makes is enough: the ordinary one.
if !SANITIZERS
script_tests += tests/tree/tree.py tests/tree/selftest.py tests/tree/scripts.py tests/tree/summing.py
endif
