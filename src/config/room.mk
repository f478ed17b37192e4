# The config room: its library. Sources are listed one a line, private headers with them.
noinst_LIBRARIES += src/config/libconfig.a
src_config_libconfig_a_SOURCES =
