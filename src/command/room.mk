# The command room: its library. Sources are listed one a line, private headers with them.
noinst_LIBRARIES += src/command/libcommand.a
src_command_libcommand_a_SOURCES = \
	src/command/check.c \
	src/command/completion.c \
	src/command/help.c \
	src/command/parse.c \
	src/command/reference.c \
	src/command/shell.c \
	src/command/table.h \
	src/command/verbs.c
