# The ui room: its library. Sources are listed one a line, private headers with them.
noinst_LIBRARIES += src/ui/libui.a
src_ui_libui_a_SOURCES =
