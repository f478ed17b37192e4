# The cli room: its library. Sources are listed one a line, private headers with them.
noinst_LIBRARIES += src/cli/libcli.a
src_cli_libcli_a_SOURCES =
