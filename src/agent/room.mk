# The agent room: its library. Sources are listed one a line, private headers with them.
noinst_LIBRARIES += src/agent/libagent.a
src_agent_libagent_a_SOURCES = \
	src/agent/aside.c \
	src/agent/child.c \
	src/agent/child.h \
	src/agent/child_main.c \
	src/agent/children.c \
	src/agent/cleaner.c \
	src/agent/cleanup.c \
	src/agent/covered.c \
	src/agent/covered.h \
	src/agent/deliveries.c \
	src/agent/lifetime.c \
	src/agent/listing.c \
	src/agent/looker.c \
	src/agent/looker.h \
	src/agent/marker.c \
	src/agent/marker.h \
	src/agent/missed.c \
	src/agent/notifier.c \
	src/agent/observations.c \
	src/agent/observer.c \
	src/agent/observer.h \
	src/agent/observer_branches.c \
	src/agent/observer_probes.c \
	src/agent/orphans.c \
	src/agent/protocol.h \
	src/agent/recover.c \
	src/agent/run_record.c \
	src/agent/secrets.c \
	src/agent/secrets.h \
	src/agent/setup.c \
	src/agent/setup.h \
	src/agent/supervisor.c \
	src/agent/supervisor.h \
	src/agent/task.c \
	src/agent/task.h \
	src/agent/turn.c \
	src/agent/variables.c \
	src/agent/variables.h \
	src/agent/worker.c \
	src/agent/worker.h \
	src/agent/worker_check.c \
	src/agent/worker_prepare.c \
	src/agent/worker_resource.c \
	src/agent/workers.c
