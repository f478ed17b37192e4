/* SPDX-License-Identifier: ISC */
/* What an operator has the tool do, in the module's folder and on its state. */
#ifndef PROVIDER_TERRAFORM_COMMAND_H
#define PROVIDER_TERRAFORM_COMMAND_H

#include "berth/provider/executor.h"

/* As provider_executor.command. */
bool terraform_command(const struct provider_context *context, const struct executor_task *task,
                       struct executor_command *command, struct error *error);

#endif
