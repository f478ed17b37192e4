/* SPDX-License-Identifier: ISC */
/* What any call of the engine leaves behind, of a run or of none: rows, audit entries, notices, whom to look at next. */
#ifndef ENGINE_EFFECTS_H
#define ENGINE_EFFECTS_H

#include "berth/engine.h"

#include <jansson.h>
#include <string.h>

/* The rows of a run are looked through for an id several times an event, and there may be a thousand: no calls but where the pointers differ. A row that was
 * changed is a copy, and has its id from the row that it was made of. */
static inline bool row_has_id(const void *row, const char *id)
{
    const char *own = *(const char *const *)row; /* the first member of every row */

    return own == id || (own != NULL && id != NULL && strcmp(own, id) == 0);
}
void effects_put(struct engine_effects *effects, const struct record_type *type, const void *row);
void effects_remove(struct engine_effects *effects, const struct record_type *type, const char *id);
/* A copy of the entry; its texts are borrowed until the effects are written. */
void effects_audit(struct engine_effects *effects, const struct audit *entry);
void effects_wake(struct engine_effects *effects, int64_t at_ms); /* the earliest counts; 0 is none */
void effects_touch(struct engine_effects *effects, const char *run);
/* Ids for new rows: of the caller's supply, and when that is used up made from what makes this call one of its kind. */
struct id_supply {
    char (*ids)[27];
    size_t count, used;
    const char *call;
};
const char *id_take(struct id_supply *supply, struct arena *arena);

struct notice {
    const struct config *config;
    const char *event, *tier, *environment, *run;
    const char *id;  /* what makes it one event; each receiver's place is added */
    json_t *payload; /* NULL (a text in it is no UTF-8): the event alone is told */
    int64_t now_ms;
};
void notice_put(struct engine_effects *effects, const struct notice *notice);

#endif
