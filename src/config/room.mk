# The config room: its library. Sources are listed one a line, private headers with them.
noinst_LIBRARIES += src/config/libconfig.a
src_config_libconfig_a_SOURCES = \
	src/config/allow.c \
	src/config/check.c \
	src/config/check.h \
	src/config/cross.c \
	src/config/cross.h \
	src/config/cross_names.c \
	src/config/cross_paths.c \
	src/config/cross_people.c \
	src/config/cross_triggers.c \
	src/config/embedded.c \
	src/config/embedded.h \
	src/config/entry.c \
	src/config/expand.c \
	src/config/expression.c \
	src/config/expression.h \
	src/config/first.c \
	src/config/host.c \
	src/config/load.c \
	src/config/load.h \
	src/config/match.c \
	src/config/needs.c \
	src/config/pages.c \
	src/config/parts.c \
	src/config/pattern.c \
	src/config/publish.c \
	src/config/read.c \
	src/config/read.h \
	src/config/salvage.c \
	src/config/salvage.h \
	src/config/scalar.c \
	src/config/scalar.h \
	src/config/schema.c \
	src/config/schema.h \
	src/config/section.c \
	src/config/section.h \
	src/config/template.c \
	src/config/template.h \
	src/config/template_check.c \
	src/config/template_expand.c \
	src/config/template_order.c \
	src/config/tool.c \
	src/config/unbuilt.c \
	src/config/wants.c \
	src/config/wants.h

# The schemas, embedded. A provider's schema is one line here.
schema_files = \
	src/config/schema/berth.yaml \
	src/config/schema/capabilities.yaml \
	src/config/schema/host.yaml \
	src/config/schema/paths.yaml \
	src/config/schema/template.yaml \
	src/provider/amqp/schema.yaml \
	src/provider/argocd/schema.yaml \
	src/provider/argocd_hook/schema.yaml \
	src/provider/artifact_registry/schema.yaml \
	src/provider/aws/schema.yaml \
	src/provider/aws_batch/schema.yaml \
	src/provider/aws_secrets_manager/schema.yaml \
	src/provider/aws_step_functions/schema.yaml \
	src/provider/azure/schema.yaml \
	src/provider/cloud_tasks/schema.yaml \
	src/provider/cloudwatch/schema.yaml \
	src/provider/codebuild/schema.yaml \
	src/provider/consul/schema.yaml \
	src/provider/consul_kv/schema.yaml \
	src/provider/dns/schema.yaml \
	src/provider/docker/schema.yaml \
	src/provider/ecr/schema.yaml \
	src/provider/env/schema.yaml \
	src/provider/eventbridge/schema.yaml \
	src/provider/exec/schema.yaml \
	src/provider/external/schema.yaml \
	src/provider/file/schema.yaml \
	src/provider/gcp/schema.yaml \
	src/provider/gcp_secret_manager/schema.yaml \
	src/provider/gcs/schema.yaml \
	src/provider/git/schema.yaml \
	src/provider/github/schema.yaml \
	src/provider/helm/schema.yaml \
	src/provider/heroku/schema.yaml \
	src/provider/heroku_addon/schema.yaml \
	src/provider/heroku_app/schema.yaml \
	src/provider/heroku_config/schema.yaml \
	src/provider/http/schema.yaml \
	src/provider/kubernetes/schema.yaml \
	src/provider/kubernetes_job/schema.yaml \
	src/provider/lambda/schema.yaml \
	src/provider/local/schema.yaml \
	src/provider/prometheus/schema.yaml \
	src/provider/queue/schema.yaml \
	src/provider/s3/schema.yaml \
	src/provider/slack/schema.yaml \
	src/provider/sops/schema.yaml \
	src/provider/sqs/schema.yaml \
	src/provider/tcp/schema.yaml \
	src/provider/terraform/schema.yaml \
	src/provider/tls/schema.yaml \
	src/provider/vault/schema.yaml \
	src/provider/webhook/schema.yaml \
	src/provider/xray/schema.yaml

BUILT_SOURCES += src/config/embedded.inc
CLEANFILES += src/config/embedded.inc
src/config/embedded.$(OBJEXT): src/config/embedded.inc
src/config/embedded.inc: $(schema_files) scripts/embed
	$(AM_V_GEN)$(MKDIR_P) $(@D) && cd $(srcdir) && EMBED_ROOT= $(SHELL) scripts/embed $(schema_files) \
		> $(abs_builddir)/$@.tmp && mv -f $(abs_builddir)/$@.tmp $(abs_builddir)/$@
