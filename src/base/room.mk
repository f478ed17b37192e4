# The base room: its library. Sources are listed one a line, private headers with them.
noinst_LIBRARIES += src/base/libbase.a
src_base_libbase_a_SOURCES =
