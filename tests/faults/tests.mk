# Faults: processes killed at named points, calls that fail, disks that lie.
# Tests here that take long are named in long_tests, so that they start first.
faults_world = tests/faults/world.c tests/faults/world.h
AM_CPPFLAGS += -I$(top_srcdir)/tests

if FAULTS
long_tests += tests/faults/test_kills tests/faults/test_nth
endif
test_tools += tests/faults/test_kills tests/faults/test_nth
tests_faults_test_kills_SOURCES = tests/faults/test_kills.c tests/faults/kills.c tests/faults/kills.h $(faults_world)
tests_faults_test_kills_LDADD = $(libs_store)
tests_faults_test_nth_SOURCES = tests/faults/test_nth.c $(faults_world)
tests_faults_test_nth_LDADD = $(libs_store)
