# The tests of the cli room. A test program is two lines; its source is the program's name with .c:
#   unit_tests += tests/cli/test_thing
#   tests_cli_test_thing_LDADD = $(test_cli)
