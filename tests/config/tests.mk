# The tests of the config room. A test program is two lines; its source is the program's name with .c:
#   unit_tests += tests/config/test_thing
#   tests_config_test_thing_LDADD = $(test_config)
unit_tests += tests/config/test_load
tests_config_test_load_SOURCES = tests/config/test_load.c tests/config/prelude.h
tests_config_test_load_LDADD = $(test_config)
unit_tests += tests/config/test_expand
tests_config_test_expand_SOURCES = tests/config/test_expand.c tests/config/prelude.h
tests_config_test_expand_LDADD = $(test_config)
unit_tests += tests/config/test_cross
tests_config_test_cross_SOURCES = tests/config/test_cross.c tests/config/prelude.h
tests_config_test_cross_LDADD = $(test_config)
unit_tests += tests/config/test_template
tests_config_test_template_SOURCES = tests/config/test_template.c tests/config/prelude.h
tests_config_test_template_LDADD = $(test_config)
unit_tests += tests/config/test_examples
tests_config_test_examples_SOURCES = tests/config/test_examples.c tests/config/prelude.h
tests_config_test_examples_LDADD = $(test_config)
unit_tests += tests/config/test_limits
tests_config_test_limits_SOURCES = tests/config/test_limits.c tests/config/prelude.h
tests_config_test_limits_LDADD = $(test_config)
unit_tests += tests/config/test_publish
tests_config_test_publish_SOURCES = tests/config/test_publish.c tests/config/prelude.h \
	tests/config/reference.c tests/config/reference.h
tests_config_test_publish_LDADD = $(test_config)
