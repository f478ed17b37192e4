# The provider room: its library. Sources are listed one a line, private headers with them. A new provider adds its files here and one line to
# src/provider/registry.h.
noinst_LIBRARIES += src/provider/libprovider.a
src_provider_libprovider_a_SOURCES = \
	src/provider/call.c \
	src/provider/context.c \
	src/provider/exec/digest.c \
	src/provider/exec/digest.h \
	src/provider/exec/exec.c \
	src/provider/exec/outputs.c \
	src/provider/exec/outputs.h \
	src/provider/exec/show.c \
	src/provider/exec/show.h \
	src/provider/git/commit.c \
	src/provider/git/commit.h \
	src/provider/git/export.c \
	src/provider/git/export.h \
	src/provider/git/follow.c \
	src/provider/git/follow.h \
	src/provider/git/git.c \
	src/provider/git/list.c \
	src/provider/git/list.h \
	src/provider/git/pin.c \
	src/provider/git/pin.h \
	src/provider/git/place.c \
	src/provider/git/place.h \
	src/provider/git/refs.c \
	src/provider/git/refs.h \
	src/provider/key.c \
	src/provider/key.h \
	src/provider/local/local.c \
	src/provider/local/session.c \
	src/provider/local/session.h \
	src/provider/redact.c \
	src/provider/redact_forms.c \
	src/provider/redact_forms.h \
	src/provider/registry.c \
	src/provider/registry.h \
	src/provider/section.c \
	src/provider/section.h
