# The tests of the provider room. A test program is two lines; its source is the program's name with .c:
#   unit_tests += tests/provider/test_thing
#   tests_provider_test_thing_LDADD = $(test_provider)
provider_prelude = tests/provider/prelude.c tests/provider/prelude.h
unit_tests += tests/provider/test_redact
tests_provider_test_redact_SOURCES = tests/provider/test_redact.c $(provider_prelude)
tests_provider_test_redact_LDADD = $(test_provider)
process_tests += tests/provider/test_local
tests_provider_test_local_SOURCES = tests/provider/test_local.c $(provider_prelude)
tests_provider_test_local_LDADD = $(test_provider)
process_tests += tests/provider/test_exec
tests_provider_test_exec_SOURCES = tests/provider/test_exec.c $(provider_prelude)
tests_provider_test_exec_LDADD = $(test_provider)
unit_tests += tests/provider/test_git
tests_provider_test_git_SOURCES = tests/provider/test_git.c $(provider_prelude)
tests_provider_test_git_LDADD = $(test_provider)
