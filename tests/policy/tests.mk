# The tests of the policy room. A test program is two lines; its source is the program's name with .c:
#   unit_tests += tests/policy/test_thing
#   tests_policy_test_thing_LDADD = $(test_policy)
unit_tests += tests/policy/test_gate
tests_policy_test_gate_SOURCES = tests/policy/test_gate.c tests/policy/fixture.h
tests_policy_test_gate_LDADD = $(test_policy)
unit_tests += tests/policy/test_life
tests_policy_test_life_SOURCES = tests/policy/test_life.c tests/policy/fixture.h
tests_policy_test_life_LDADD = $(test_policy)
unit_tests += tests/policy/test_limits
tests_policy_test_limits_SOURCES = tests/policy/test_limits.c tests/policy/fixture.h
tests_policy_test_limits_LDADD = $(test_policy)
unit_tests += tests/policy/test_may
tests_policy_test_may_SOURCES = tests/policy/test_may.c tests/policy/fixture.h
tests_policy_test_may_LDADD = $(test_policy)
unit_tests += tests/policy/test_who
tests_policy_test_who_SOURCES = tests/policy/test_who.c tests/policy/fixture.h
tests_policy_test_who_LDADD = $(test_policy)
