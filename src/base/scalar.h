/* SPDX-License-Identifier: ISC */
/* What a plain YAML scalar is, by the core schema of YAML 1.2. */
#ifndef BERTH_SRC_BASE_SCALAR_H
#define BERTH_SRC_BASE_SCALAR_H

#include "berth/base/node.h"

/* Sets kind and number from node->text. An integer that does not fit 64 bits is a NODE_FLOAT. */
void scalar_resolve(struct node *node);

#endif
