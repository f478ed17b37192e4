# The tests of the store room. A test program is two lines; its source is the program's name with .c:
#   unit_tests += tests/store/test_thing
#   tests_store_test_thing_LDADD = $(test_store)
store_test_parts = tests/store/place.c tests/store/place.h tests/store/ok.h tests/model/fill.c tests/model/fill.h

unit_tests += tests/store/test_conformance
tests_store_test_conformance_SOURCES = tests/store/test_conformance.c $(store_test_parts)
tests_store_test_conformance_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/model
tests_store_test_conformance_LDADD = $(test_store)

unit_tests += tests/store/test_run_log
tests_store_test_run_log_SOURCES = tests/store/test_run_log.c tests/store/place.c tests/store/place.h tests/store/ok.h
tests_store_test_run_log_LDADD = $(test_store)

unit_tests += tests/store/test_random
tests_store_test_random_SOURCES = tests/store/test_random.c $(store_test_parts)
tests_store_test_random_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/model
tests_store_test_random_LDADD = $(test_store)
torture_tests += tests/store/test_random

unit_tests += tests/store/test_audit
tests_store_test_audit_SOURCES = tests/store/test_audit.c $(store_test_parts)
tests_store_test_audit_LDADD = $(test_store)

unit_tests += tests/store/test_durability
tests_store_test_durability_SOURCES = tests/store/test_durability.c tests/store/forget_vfs.c tests/store/forget_vfs.h $(store_test_parts)
tests_store_test_durability_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/model
tests_store_test_durability_LDADD = $(test_store)

unit_tests += tests/store/test_migrate
tests_store_test_migrate_SOURCES = tests/store/test_migrate.c tests/store/forget_vfs.c tests/store/forget_vfs.h $(store_test_parts)
tests_store_test_migrate_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/model
tests_store_test_migrate_LDADD = $(test_store)

unit_tests += tests/store/test_sqlite
tests_store_test_sqlite_SOURCES = tests/store/test_sqlite.c tests/store/place.c tests/store/place.h tests/store/ok.h
tests_store_test_sqlite_LDADD = $(test_store)

process_tests += tests/store/test_processes
tests_store_test_processes_SOURCES = tests/store/test_processes.c tests/store/place.c tests/store/place.h tests/store/ok.h
tests_store_test_processes_LDADD = $(test_store)
unit_tests += tests/store/test_schema
tests_store_test_schema_LDADD = $(test_store)
unit_tests += tests/store/test_trouble
tests_store_test_trouble_LDADD = $(test_store)
