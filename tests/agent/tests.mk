# The tests of the agent room. A test program is two lines; its source is the program's name with .c:
unit_tests += tests/agent/test_cleaner
tests_agent_test_cleaner_LDADD = $(test_agent)
unit_tests += tests/agent/test_marker
tests_agent_test_marker_LDADD = $(test_agent)
unit_tests += tests/agent/test_orphans
tests_agent_test_orphans_LDADD = $(test_agent)
unit_tests += tests/agent/test_task
tests_agent_test_task_LDADD = $(test_agent)

# The real berthd, in the world of tests/faults; some of its sentences need --enable-faults.
test_tools += tests/agent/test_daemon
tests_agent_test_daemon_SOURCES = tests/agent/test_daemon.c $(faults_parts)
tests_agent_test_daemon_LDADD = $(test_store)
test_tools += tests/agent/test_keeping
tests_agent_test_keeping_SOURCES = tests/agent/test_keeping.c $(faults_parts)
tests_agent_test_keeping_LDADD = $(test_store)
test_tools += tests/agent/test_work
tests_agent_test_work_SOURCES = tests/agent/test_work.c $(faults_parts)
tests_agent_test_work_LDADD = $(test_store)
test_tools += tests/agent/test_observers
tests_agent_test_observers_SOURCES = tests/agent/test_observers.c \
	tests/faults/receiver.c tests/faults/receiver.h $(faults_parts)
tests_agent_test_observers_LDADD = $(test_store)
if FAULTS
long_tests += tests/agent/test_daemon tests/agent/test_keeping tests/agent/test_observers tests/agent/test_work
endif
