/* SPDX-License-Identifier: ISC */
/* Reads values out of a tree that has been checked; what is absent gives the default named by the caller. */
#ifndef BERTH_CONFIG_READ_H
#define BERTH_CONFIG_READ_H

#include "berth/base/node.h"
#include "berth/config.h"

const char *read_text(const struct node *map, const char *key, const char *otherwise);
int64_t read_int(const struct node *map, const char *key, int64_t otherwise);
bool read_bool(const struct node *map, const char *key);
int64_t read_duration(const struct node *map, const char *key, int64_t otherwise);
/* A list of scalars as their texts; empty when absent. */
struct name_list read_names(struct arena *arena, const struct node *map, const char *key);
struct config_input *read_fields(struct arena *arena, const struct node *map, const char *key, size_t *count);
bool names_have(const struct name_list *names, const char *name);

#endif
