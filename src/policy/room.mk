# The policy room: its library. Sources are listed one a line, private headers with them.
noinst_LIBRARIES += src/policy/libpolicy.a
src_policy_libpolicy_a_SOURCES =
