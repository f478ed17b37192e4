# The cli room: its library. Sources are listed one a line, private headers with them.
noinst_LIBRARIES += src/cli/libcli.a
src_cli_libcli_a_CPPFLAGS = $(AM_CPPFLAGS) -DBERTH_DEMODIR='"$(demodir)"' \
	-DBERTH_SOURCE_DEMODIR='"$(abs_top_srcdir)/examples/demo"' -DBERTH_PKGLIBEXECDIR='"$(pkglibexecdir)"'
src_cli_libcli_a_SOURCES = \
	src/cli/act.c \
	src/cli/ask.c \
	src/cli/ask.h \
	src/cli/audit.c \
	src/cli/audit_compare.c \
	src/cli/audit_git.c \
	src/cli/audit_ref.h \
	src/cli/changes.c \
	src/cli/check.c \
	src/cli/check_tree.c \
	src/cli/check_tree.h \
	src/cli/cli.h \
	src/cli/daemon.c \
	src/cli/delta.c \
	src/cli/delta.h \
	src/cli/demo.c \
	src/cli/demo.h \
	src/cli/demo_end.c \
	src/cli/demo_repository.c \
	src/cli/demo_story.c \
	src/cli/dispatch.h \
	src/cli/doctor.c \
	src/cli/env.c \
	src/cli/exec.c \
	src/cli/find.c \
	src/cli/graph.c \
	src/cli/init.c \
	src/cli/lists.c \
	src/cli/log.c \
	src/cli/main.c \
	src/cli/names.c \
	src/cli/names.h \
	src/cli/output.c \
	src/cli/output.h \
	src/cli/program.c \
	src/cli/runs.c \
	src/cli/session.c \
	src/cli/status.c \
	src/cli/stop.c \
	src/cli/wait.c \
	src/cli/why.c \
	src/cli/workspace.c

# What the demo's server runs: a tiny HTTP service, so that the demo needs nothing that is not there.
pkglibexec_PROGRAMS = src/demo-service
src_demo_service_SOURCES = src/cli/demo_service.c
src_demo_service_LDADD =

# The demo's workspace.
demodir = $(pkgdatadir)/demo
dist_demo_DATA = examples/demo/berth.yaml
demotemplatesdir = $(demodir)/templates
dist_demotemplates_DATA = examples/demo/templates/platform.exec.yaml examples/demo/templates/platform.yaml examples/demo/templates/shop.yaml
demoinfradir = $(demodir)/infra
dist_demoinfra_DATA = examples/demo/infra/main.tf
demoscriptsdir = $(demodir)/scripts
dist_demoscripts_SCRIPTS = examples/demo/scripts/migrate examples/demo/scripts/migrate.broken examples/demo/scripts/server \
	examples/demo/scripts/smoke examples/demo/scripts/thing
