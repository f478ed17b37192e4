# The engine room: its library. Sources are listed one a line, private headers with them.
noinst_LIBRARIES += src/engine/libengine.a
src_engine_libengine_a_SOURCES =
