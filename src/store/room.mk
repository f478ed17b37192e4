# The store room: its library. Sources are listed one a line, private headers with them.
noinst_LIBRARIES += src/store/libstore.a
src_store_libstore_a_SOURCES = \
	src/store/approved.c \
	src/store/audit.c \
	src/store/backend.h \
	src/store/checked.c \
	src/store/feed.c \
	src/store/freezes.c \
	src/store/marker.c \
	src/store/memory.c \
	src/store/order.c \
	src/store/order.h \
	src/store/private.h \
	src/store/run_log.c \
	src/store/schema.c \
	src/store/schema.h \
	src/store/sqlite.c \
	src/store/sqlite.h \
	src/store/sqlite_bell.c \
	src/store/sqlite_call.c \
	src/store/sqlite_feed.c \
	src/store/sqlite_query.c \
	src/store/sqlite_rows.c \
	src/store/store.c \
	src/store/submit.c \
	src/store/trouble.c
