/* SPDX-License-Identifier: ISC */
/* Everything that is derived from a verb table, for any table: the public functions give the one table of verbs.c, tests give a copy with a row less. */
#ifndef COMMAND_TABLE_H
#define COMMAND_TABLE_H

#include "berth/command.h"

struct verb_table {
    const struct verb *verbs;
    size_t count;
};
extern const struct verb_table verb_table;

const struct verb *table_find(struct verb_table table, const char *name);
/* "--with KEY=VALUE", "ENV": how an argument is written in a usage line, without brackets. */
void argument_show(const struct verb_argument *argument, struct str *out);
/* The arguments every verb of that kind has besides its own, in one order for help, manual and completion; ends with name NULL. */
const struct verb_argument *shared_arguments(void);
bool has_shared(const struct verb *verb, const struct verb_argument *shared);

void table_overview(struct verb_table table, struct str *out);
void table_reference(struct verb_table table, struct str *out);
void table_manual(struct verb_table table, struct str *out);
void table_completion(struct verb_table table, const char *shell, struct str *out);

#endif
