# The provider room: its library. Sources are listed one a line, private headers with them.
noinst_LIBRARIES += src/provider/libprovider.a
src_provider_libprovider_a_SOURCES =
