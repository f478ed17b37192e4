# The tests of the command room. A test program is two lines; its source is the program's name with .c:
#   unit_tests += tests/command/test_thing
#   tests_command_test_thing_LDADD = $(test_command)
unit_tests += tests/command/test_call
tests_command_test_call_LDADD = $(test_command)
unit_tests += tests/command/test_verbs
tests_command_test_verbs_LDADD = $(test_command)
