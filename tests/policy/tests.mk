# The tests of the policy room. A test program is two lines; its source is the program's name with .c:
#   unit_tests += tests/policy/test_thing
#   tests_policy_test_thing_LDADD = $(test_policy)
