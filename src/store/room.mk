# The store room: its library. Sources are listed one a line, private headers with them.
noinst_LIBRARIES += src/store/libstore.a
src_store_libstore_a_SOURCES =
