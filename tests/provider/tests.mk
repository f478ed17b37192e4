# The tests of the provider room. A test program is two lines; its source is the program's name with .c:
#   unit_tests += tests/provider/test_thing
#   tests_provider_test_thing_LDADD = $(test_provider)
