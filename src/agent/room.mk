# The agent room: its library. Sources are listed one a line, private headers with them.
noinst_LIBRARIES += src/agent/libagent.a
src_agent_libagent_a_SOURCES =
