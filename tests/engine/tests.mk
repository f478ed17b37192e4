# The tests of the engine room. A test program is two lines; its source is the program's name with .c:
#   unit_tests += tests/engine/test_thing
#   tests_engine_test_thing_LDADD = $(test_engine)
engine_world = tests/engine/world.c tests/engine/world.h tests/engine/play.c tests/engine/play.h
unit_tests += tests/engine/test_deploy
tests_engine_test_deploy_SOURCES = tests/engine/test_deploy.c $(engine_world)
tests_engine_test_deploy_LDADD = $(test_engine)
long_tests += tests/engine/test_random
test_tools += tests/engine/test_random
tests_engine_test_random_SOURCES = tests/engine/test_random.c tests/engine/story.c tests/engine/story.h $(engine_world)
tests_engine_test_random_LDADD = $(test_engine)
unit_tests += tests/engine/test_refs
tests_engine_test_refs_SOURCES = tests/engine/test_refs.c $(engine_world)
tests_engine_test_refs_LDADD = $(test_engine)
unit_tests += tests/engine/test_workflows
tests_engine_test_workflows_SOURCES = tests/engine/test_workflows.c $(engine_world)
tests_engine_test_workflows_LDADD = $(test_engine)
