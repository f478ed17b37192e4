# The tests of the agent room. A test program is two lines; its source is the program's name with .c:
unit_tests += tests/agent/test_marker
tests_agent_test_marker_LDADD = $(test_agent)
