# How tests are built and run. Fragments of the rooms add to
#   unit_tests     programs of one room, cmocka, also run under valgrind
#   process_tests  the same, but about processes in ways valgrind cannot follow (an exec that fails, kills)
#   script_tests   executable scripts that speak TAP
#   long_tests     programs (named in test_tools, too) or scripts that take long: they start first
#   torture_tests  run by `make torture` alone, with BERTH_TORTURE=1
#   test_tools     programs that tests need and that are no tests
#   fuzz_targets   see tests/fuzz/fuzz.mk
# Every test speaks TAP (cmocka does, told so here), or exits 77 to be skipped; one `make check` counts single tests.

test_cppflags += $(CMOCKA_CFLAGS) $(VTERM_CFLAGS) \
	-DTEST_SRCDIR='"$(abs_top_srcdir)"' -DTEST_BUILDDIR='"$(abs_top_builddir)"'

if HAVE_CMOCKA
check_PROGRAMS = $(unit_tests) $(process_tests) $(test_tools) $(fuzz_targets)
if FUZZERS
TESTS =
else
TESTS = $(long_tests) $(script_tests) $(process_tests) $(unit_tests) $(fuzz_targets)
endif
else
check_PROGRAMS =
TESTS =
check-local:
	@echo "make check needs cmocka: scripts/setup test installs it, then configure again" >&2; exit 1
endif

# The whole environment a test sees, so that it gives the same answer everywhere.
test_environment = \
	CMOCKA_MESSAGE_OUTPUT=TAP; export CMOCKA_MESSAGE_OUTPUT; \
	TZ=UTC; export TZ; LC_ALL=C.UTF-8; export LC_ALL; unset LANGUAGE; \
	TERM=xterm-256color; export TERM; unset COLUMNS LINES NO_COLOR; \
	GIT_CONFIG_GLOBAL=/dev/null; export GIT_CONFIG_GLOBAL; GIT_CONFIG_NOSYSTEM=1; export GIT_CONFIG_NOSYSTEM; \
	unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE; \
	HOME='$(abs_top_builddir)/tests/home'; export HOME; $(MKDIR_P) "$$HOME"; \
	unset XDG_STATE_HOME XDG_CONFIG_HOME XDG_DATA_HOME XDG_CACHE_HOME XDG_RUNTIME_DIR; \
	BERTH='$(abs_top_builddir)/src/berth'; export BERTH; BERTHD='$(abs_top_builddir)/src/berthd'; export BERTHD; \
	BERTH_SRCDIR='$(abs_top_srcdir)'; export BERTH_SRCDIR; BERTH_BUILDDIR='$(abs_top_builddir)'; export BERTH_BUILDDIR; \
	BERTH_CC='$(CC)'; export BERTH_CC; \
	ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1; export ASAN_OPTIONS; \
	UBSAN_OPTIONS=print_stacktrace=1; export UBSAN_OPTIONS;
AM_TESTS_ENVIRONMENT = $(test_environment)

# No test may hang a run: each has this many seconds.
TEST_TIMEOUT = 300
LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
LOG_COMPILER = $(SHELL) $(top_srcdir)/tests/run-one $(TEST_TIMEOUT)

print-unit-tests:
	@for t in $(unit_tests); do echo $$t; done

print-short-tests:
	@for t in $(script_tests) $(process_tests) $(unit_tests) $(fuzz_targets); do echo $$t; done

print-fuzz-targets:
	@for t in $(fuzz_targets); do echo $$t; done

torture: all
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(torture_tests)' BERTH_TORTURE=1 TEST_TIMEOUT=7200

clean-local:
	rm -rf tests/home tests/tmp

.PHONY: print-unit-tests print-short-tests print-fuzz-targets
