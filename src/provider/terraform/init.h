/* SPDX-License-Identifier: ISC */
/*
 * Initialising a module. What init makes lies in a folder of the run, and resources of the run whose modules it would initialise alike (the same plugins, backend,
 * lock file and tool; where modules are called or a backend is named, only those of the same folder and commit) share it: it runs once for them.
 */
#ifndef PROVIDER_TERRAFORM_INIT_H
#define PROVIDER_TERRAFORM_INIT_H

#include "provider/terraform/module.h"

/* Makes the module ready to be worked on unless this run did so before; own_backend and TF_DATA_DIR are known then. */
bool init_module(struct module *module, struct error *error) BERTH_MUST_CHECK;

#endif
