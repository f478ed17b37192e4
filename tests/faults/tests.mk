# Faults: processes killed at named points, calls that fail, disks that lie.
# Tests here that take long are named in long_tests, so that they start first. They need a build with --enable-faults.
faults_parts = tests/faults/world.c tests/faults/world.h tests/faults/shop.c tests/faults/shop.h \
	tests/faults/story.c tests/faults/story.h \
	tests/faults/cases.c tests/faults/cases.h
AM_CPPFLAGS += -I$(top_srcdir)/tests

test_tools += tests/faults/test_kills tests/faults/test_nth
tests_faults_test_kills_SOURCES = tests/faults/test_kills.c tests/faults/kills.c tests/faults/kills.h \
	tests/faults/killing.c tests/faults/killing.h tests/faults/killing_rollback.c tests/faults/killing_cleaner.c \
	tests/faults/receiver.c tests/faults/receiver.h tests/e2e/screen.c tests/e2e/screen.h $(faults_parts)
tests_faults_test_kills_LDADD = $(libs_store) $(VTERM_LIBS)
tests_faults_test_nth_SOURCES = tests/faults/test_nth.c $(faults_parts)
tests_faults_test_nth_LDADD = $(libs_store)

test_tools += tests/faults/test_clock tests/faults/test_damaged tests/faults/test_trouble tests/faults/test_push
tests_faults_test_push_SOURCES = tests/faults/test_push.c $(faults_parts)
tests_faults_test_push_LDADD = $(libs_store)
test_tools += tests/faults/test_terraform
faults_chain = tests/faults/chain.c tests/faults/chain.h $(faults_parts)
tests_faults_test_terraform_SOURCES = tests/faults/test_terraform.c tests/faults/kills.c tests/faults/kills.h $(faults_chain)
tests_faults_test_terraform_LDADD = $(libs_store)
test_tools += tests/faults/test_locked
tests_faults_test_locked_SOURCES = tests/faults/test_locked.c tests/faults/bucket.c tests/faults/bucket.h $(faults_chain)
tests_faults_test_locked_LDADD = $(libs_store)
test_tools += tests/faults/test_exec
tests_faults_test_exec_SOURCES = tests/faults/test_exec.c $(faults_parts)
tests_faults_test_exec_LDADD = $(libs_store)
tests_faults_test_trouble_SOURCES = tests/faults/test_trouble.c tests/e2e/screen.c tests/e2e/screen.h $(faults_parts)
tests_faults_test_trouble_LDADD = $(libs_store) $(VTERM_LIBS)
tests_faults_test_clock_SOURCES = tests/faults/test_clock.c $(faults_parts)
tests_faults_test_clock_LDADD = $(libs_store)
tests_faults_test_damaged_SOURCES = tests/faults/test_damaged.c $(faults_parts)
tests_faults_test_damaged_LDADD = $(test_store)

# One program, a script for each kind of call.
faults_scripts = tests/faults/nth-provider-call.sh tests/faults/nth-store-write.sh tests/faults/nth-store-read.sh
if FAULTS
long_tests += tests/faults/test_kills tests/faults/test_clock tests/faults/test_trouble tests/faults/test_push \
	tests/faults/test_damaged tests/faults/test_terraform tests/faults/test_locked tests/faults/test_exec $(faults_scripts)
torture_tests += $(faults_scripts) tests/faults/test_kills
endif

# The Nth system call, and power cuts: a library that is loaded into both programs. A sanitizer's own library must come first, so it is left to the other builds.
calls_parts = tests/faults/calls.c tests/faults/calls.h tests/faults/disk.h $(faults_parts)
test_tools += tests/faults/calls_library.so tests/faults/test_syscalls
tests_faults_calls_library_so_SOURCES = tests/faults/calls_library.c tests/faults/calls_library.h \
	tests/faults/calls_record.c tests/faults/calls.h tests/faults/disk.h
tests_faults_calls_library_so_CFLAGS = -std=c11 -fPIC
tests_faults_calls_library_so_LDFLAGS = -shared
tests_faults_test_syscalls_SOURCES = tests/faults/test_syscalls.c \
	tests/faults/receiver.c tests/faults/receiver.h $(calls_parts)
tests_faults_test_syscalls_LDADD = $(libs_store) -lm
test_tools += tests/faults/test_power
tests_faults_test_power_SOURCES = tests/faults/test_power.c tests/faults/disk.c $(calls_parts)
tests_faults_test_power_LDADD = $(libs_store)
if FAULTS
if !SANITIZERS
long_tests += tests/faults/test_syscalls tests/faults/test_power
torture_tests += tests/faults/test_syscalls tests/faults/test_power
endif
endif

# Branches coming and going with kills at random, until MINUTES (60) are over; SEED chooses what happens.
if FAULTS
torture_tests += tests/faults/soak
endif
soak: all
	@$(test_environment) $(srcdir)/tests/faults/soak --minutes $${MINUTES:-60} $${SEED:+--seed $$SEED}

.PHONY: soak
