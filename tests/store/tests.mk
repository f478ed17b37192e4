# The tests of the store room. A test program is two lines; its source is the program's name with .c:
#   unit_tests += tests/store/test_thing
#   tests_store_test_thing_LDADD = $(test_store)
