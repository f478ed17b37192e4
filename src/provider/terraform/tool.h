/* SPDX-License-Identifier: ISC */
/* The program a module is worked on with. */
#ifndef PROVIDER_TERRAFORM_TOOL_H
#define PROVIDER_TERRAFORM_TOOL_H

#include "provider/terraform/module.h"

/* "terraform" or "tofu", as the spec says. */
const char *tool_name(const struct executor_task *task);
/* Chooses module->program. Only where a version is pinned the tool is asked for its own, once in a run: that costs as much as a small plan. */
bool tool_choose(struct module *module, struct error *error) BERTH_MUST_CHECK;
/* The version of module->program: asked for, or what it said to an earlier step of this run while it was the same file. NULL with an error; in the arena. */
const char *tool_version(struct module *module, struct error *error) BERTH_MUST_CHECK;
/* The error of a program that is not there. False. */
bool tool_is_missing(const struct module *module, struct error *error);
/* Words that are others when module->program is another file: its path, size, times; only its name where this machine does not have it. In the arena. */
const char *tool_identity(const struct module *module);

#endif
