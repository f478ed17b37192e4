# The tests of the config room. A test program is two lines; its source is the program's name with .c:
#   unit_tests += tests/config/test_thing
#   tests_config_test_thing_LDADD = $(test_config)
