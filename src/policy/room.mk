# The policy room: its library. Sources are listed one a line, private headers with them.
noinst_LIBRARIES += src/policy/libpolicy.a
src_policy_libpolicy_a_SOURCES = \
	src/policy/allow.c \
	src/policy/end.c \
	src/policy/gate.c \
	src/policy/life.c \
	src/policy/limits.c \
	src/policy/may.c \
	src/policy/rules.c \
	src/policy/rules.h \
	src/policy/state.c \
	src/policy/tree.c \
	src/policy/tree.h \
	src/policy/who.c \
	src/policy/who.h
