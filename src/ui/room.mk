# The ui room: its library. Sources are listed one a line, private headers with them.
noinst_LIBRARIES += src/ui/libui.a
src_ui_libui_a_SOURCES = \
	src/ui/action.c \
	src/ui/action.h \
	src/ui/compare.c \
	src/ui/copy.c \
	src/ui/cursor.c \
	src/ui/cursor.h \
	src/ui/dashboard.c \
	src/ui/dashboard.h \
	src/ui/dialog.c \
	src/ui/dialog.h \
	src/ui/environment_rows.c \
	src/ui/environment_rows.h \
	src/ui/filter.c \
	src/ui/filter.h \
	src/ui/format.c \
	src/ui/format.h \
	src/ui/frame.c \
	src/ui/gate_after.c \
	src/ui/gate_after.h \
	src/ui/gate_delta.c \
	src/ui/gate_delta.h \
	src/ui/grid.c \
	src/ui/grid.h \
	src/ui/help.c \
	src/ui/keymap.c \
	src/ui/keymap.h \
	src/ui/line.c \
	src/ui/line.h \
	src/ui/list.c \
	src/ui/list.h \
	src/ui/menu.c \
	src/ui/notices.c \
	src/ui/notices.h \
	src/ui/opening.c \
	src/ui/outline.c \
	src/ui/outline.h \
	src/ui/pager.c \
	src/ui/pager.h \
	src/ui/palette.c \
	src/ui/picture.c \
	src/ui/picture.h \
	src/ui/plan_text.c \
	src/ui/plan_text.h \
	src/ui/plan_tree.c \
	src/ui/plan_tree.h \
	src/ui/preview.c \
	src/ui/prompt.c \
	src/ui/saved.c \
	src/ui/saved.h \
	src/ui/serving.c \
	src/ui/shelf.c \
	src/ui/shelf.h \
	src/ui/style.h \
	src/ui/table.c \
	src/ui/table.h \
	src/ui/terminal.h \
	src/ui/terminal_curses.c \
	src/ui/terminal_memory.c \
	src/ui/theme.c \
	src/ui/theme.h \
	src/ui/ui.c \
	src/ui/view_branches.c \
	src/ui/view_environment.c \
	src/ui/view_environments.c \
	src/ui/view_gate.c \
	src/ui/view_releases.c \
	src/ui/view_run.c \
	src/ui/view_runs.c \
	src/ui/view_text.c \
	src/ui/wrap.c \
	src/ui/wrap.h
# The themes that come with berth are rows of a table: the first frame opens no file for them.
ui_themes = themes/dark.theme themes/monochrome.theme
BUILT_SOURCES += src/ui/themes.inc
CLEANFILES += src/ui/themes.inc
src/ui/themes.inc: $(ui_themes) scripts/embed
	$(AM_V_GEN)$(MKDIR_P) $(@D) && cd $(srcdir) && $(SHELL) scripts/embed $(ui_themes) > $(abs_builddir)/$@.tmp && \
		mv $(abs_builddir)/$@.tmp $(abs_builddir)/$@
src/ui/theme.$(OBJEXT): src/ui/themes.inc
