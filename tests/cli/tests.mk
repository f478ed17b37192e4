# The tests of the cli room. A test program is two lines; its source is the program's name with .c:
#   unit_tests += tests/cli/test_thing
#   tests_cli_test_thing_LDADD = $(test_cli)
unit_tests += tests/cli/test_acts
tests_cli_test_acts_SOURCES = tests/cli/test_acts.c tests/cli/owner.c tests/cli/owner.h
tests_cli_test_acts_LDADD = $(test_cli)
unit_tests += tests/cli/test_looks
tests_cli_test_looks_SOURCES = tests/cli/test_looks.c tests/cli/owner.c tests/cli/owner.h
tests_cli_test_looks_LDADD = $(test_cli)
script_tests += tests/cli/programs.sh
script_tests += tests/cli/completion.sh
unit_tests += tests/cli/test_manual
tests_cli_test_manual_LDADD = $(test_cli)
unit_tests += tests/cli/test_asks
tests_cli_test_asks_SOURCES = tests/cli/test_asks.c tests/cli/owner.c tests/cli/owner.h
tests_cli_test_asks_LDADD = $(test_cli)
unit_tests += tests/cli/test_output
tests_cli_test_output_LDADD = $(test_cli)
