# The base room: its library. Sources are listed one a line, private headers with them.
noinst_LIBRARIES += src/base/libbase.a
src_base_libbase_a_SOURCES = \
	src/base/calendar.c \
	src/base/calendar.h \
	src/base/cells.c \
	src/base/cron.c \
	src/base/error.c \
	src/base/expression.c \
	src/base/fault.c \
	src/base/file.c \
	src/base/folder.c \
	src/base/frame.c \
	src/base/hash.c \
	src/base/lock.c \
	src/base/log.c \
	src/base/map.c \
	src/base/memory.c \
	src/base/network.c \
	src/base/node.c \
	src/base/node_json.c \
	src/base/path.c \
	src/base/posix_zone.c \
	src/base/posix_zone.h \
	src/base/problem.c \
	src/base/proc_stat.c \
	src/base/proc_stat.h \
	src/base/process.c \
	src/base/process_find.c \
	src/base/question.c \
	src/base/quote.c \
	src/base/scalar.c \
	src/base/scalar.h \
	src/base/seal.c \
	src/base/str.c \
	src/base/text.c \
	src/base/time.c \
	src/base/unicode.h \
	src/base/window.c \
	src/base/wording.c \
	src/base/zone.c
