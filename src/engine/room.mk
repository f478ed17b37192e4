# The engine room: its library. Sources are listed one a line, private headers with them.
noinst_LIBRARIES += src/engine/libengine.a
src_engine_libengine_a_SOURCES = \
	src/engine/accept.c \
	src/engine/accept.h \
	src/engine/advance.c \
	src/engine/answer.c \
	src/engine/apply.c \
	src/engine/begin.c \
	src/engine/check.c \
	src/engine/clean.c \
	src/engine/edges.c \
	src/engine/effects.c \
	src/engine/effects.h \
	src/engine/exec.c \
	src/engine/exec.h \
	src/engine/finish.c \
	src/engine/gate.c \
	src/engine/inner.c \
	src/engine/inner.h \
	src/engine/load.c \
	src/engine/order.c \
	src/engine/pins.c \
	src/engine/plan.c \
	src/engine/prepare.c \
	src/engine/rollback.c \
	src/engine/run_record.c \
	src/engine/steps.c \
	src/engine/subject.c \
	src/engine/turn.c \
	src/engine/turn.h
