# The tests of the base room. A test program is two lines; its source is the program's name with .c:
#   unit_tests += tests/base/test_thing
#   tests_base_test_thing_LDADD = $(test_base)
