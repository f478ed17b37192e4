# The tests of the engine room. A test program is two lines; its source is the program's name with .c:
#   unit_tests += tests/engine/test_thing
#   tests_engine_test_thing_LDADD = $(test_engine)
