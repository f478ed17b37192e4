# The server room is empty so far; its first file brings the library:
#   noinst_LIBRARIES += src/server/libserver.a
#   src_server_libserver_a_SOURCES =
