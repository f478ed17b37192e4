# The tests of the model room. A test program is two lines; its source is the program's name with .c:
#   unit_tests += tests/model/test_thing
#   tests_model_test_thing_LDADD = $(test_model)
unit_tests += tests/model/test_record
tests_model_test_record_SOURCES = tests/model/test_record.c tests/model/fill.c tests/model/fill.h
tests_model_test_record_LDADD = $(test_model)

unit_tests += tests/model/test_graph
tests_model_test_graph_SOURCES = tests/model/test_graph.c tests/model/fill.c tests/model/fill.h
tests_model_test_graph_LDADD = $(test_model)

unit_tests += tests/model/test_result
tests_model_test_result_LDADD = $(test_model)

unit_tests += tests/model/test_covered
tests_model_test_covered_LDADD = $(test_model)

unit_tests += tests/model/test_delta
tests_model_test_delta_LDADD = $(test_model)
