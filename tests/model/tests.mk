# The tests of the model room. A test program is two lines; its source is the program's name with .c:
#   unit_tests += tests/model/test_thing
#   tests_model_test_thing_LDADD = $(test_model)
