/* SPDX-License-Identifier: ISC */
/* What acts: may it (policy, by the rows of the picture), its preview, and the command row that asks for it. Nothing else of this room writes. */
#ifndef UI_ACTION_H
#define UI_ACTION_H

#include "ui/dashboard.h"

#include <jansson.h>

/* Everything a preview shows and a command row needs. Text lives in the arena. */
struct action {
    struct arena arena;
    const struct verb *verb;
    const char *subject; /* the command's */
    json_t *arguments;
    const char *environment_name; /* "" when there is none */
    enum tier tier;
    const struct environment *environment; /* a copy, or NULL */
    const struct run *run;                 /* a copy, or NULL */
    const struct branch_row *branch;       /* a copy, or NULL */
    const struct release *release;         /* that is meant, a copy, or NULL */
    const char *release_change;
    const struct why *why; /* NULL: the policy is not known yet */
};
/* Builds the action of a verb on a subject. `environment_name`: one of several that a branch fits, NULL to find it. Free with action_free. */
struct action *action_new(struct dashboard *dashboard, const struct verb *verb, const struct subject *subject,
                          const char *environment_name) BERTH_MUST_CHECK;
/* What a name on a command line means to a verb: a run by its number, an environment, a branch. */
void action_subject(struct dashboard *dashboard, const struct verb *verb, const char *name, struct subject *subject);
/* Of a call typed in the palette; takes a reference of its arguments. */
struct action *action_from_call(struct dashboard *dashboard, const struct verb *verb, const char *name,
                                json_t *arguments) BERTH_MUST_CHECK;
void action_free(struct action *action);
/* May it? NULL when the policy is not known yet: berthd decides then. For greyed keys; the tree lives in `arena`. */
const struct why *action_why(struct dashboard *dashboard, const struct verb *verb, const struct subject *subject,
                             struct arena *arena);
/* A key that acts was pressed: refuses with its reason, asks which environment, or opens the preview. */
void action_press(struct dashboard *dashboard, const struct verb *verb, const struct subject *subject);
/* Opens the preview, or says why not; takes over the action. */
void action_preview(struct dashboard *dashboard, struct action *action);
/* Inserts the command row. */
bool action_submit(struct dashboard *dashboard, const struct action *action, const char *reason, bool dry_run,
                   struct error *error) BERTH_MUST_CHECK;
/* Looks for the answer of the command that was submitted last, and says it. */
void action_answer(struct dashboard *dashboard);
/* Reads the policy in force when it changed, and who acts; cheap when nothing changed. */
void action_learn(struct dashboard *dashboard);
/* The dialog of an action; takes it over. */
void dialog_open(struct dashboard *dashboard, struct action *action);

#endif
