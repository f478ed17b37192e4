# The command room: its library. Sources are listed one a line, private headers with them.
noinst_LIBRARIES += src/command/libcommand.a
src_command_libcommand_a_SOURCES =
