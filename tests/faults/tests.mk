# Faults: processes killed at named points, calls that fail, disks that lie.
# Tests here that take long are named in long_tests, so that they start first. They need a build with --enable-faults.
faults_parts = tests/faults/world.c tests/faults/world.h tests/faults/story.c tests/faults/story.h \
	tests/faults/cases.c tests/faults/cases.h
AM_CPPFLAGS += -I$(top_srcdir)/tests

test_tools += tests/faults/test_kills tests/faults/test_nth
tests_faults_test_kills_SOURCES = tests/faults/test_kills.c tests/faults/kills.c tests/faults/kills.h \
	tests/faults/receiver.c tests/faults/receiver.h tests/e2e/screen.c tests/e2e/screen.h $(faults_parts)
tests_faults_test_kills_LDADD = $(libs_store) $(VTERM_LIBS)
tests_faults_test_nth_SOURCES = tests/faults/test_nth.c $(faults_parts)
tests_faults_test_nth_LDADD = $(libs_store)

test_tools += tests/faults/test_clock tests/faults/test_trouble
tests_faults_test_trouble_SOURCES = tests/faults/test_trouble.c $(faults_parts)
tests_faults_test_trouble_LDADD = $(libs_store)
tests_faults_test_clock_SOURCES = tests/faults/test_clock.c $(faults_parts)
tests_faults_test_clock_LDADD = $(libs_store)

# One program, a script for each kind of call.
faults_scripts = tests/faults/nth-provider-call.sh tests/faults/nth-store-write.sh tests/faults/nth-store-read.sh
if FAULTS
long_tests += tests/faults/test_kills tests/faults/test_clock tests/faults/test_trouble $(faults_scripts)
torture_tests += $(faults_scripts)
endif
