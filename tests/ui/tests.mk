# The tests of the ui room. A test program is two lines; its source is the program's name with .c:
#   unit_tests += tests/ui/test_thing
#   tests_ui_test_thing_LDADD = $(test_ui)
