/* SPDX-License-Identifier: ISC */
/* The first berth.yaml that `berth init` writes. */
#include "berth/config.h"

#include "berth/base/str.h"
#include "berth/base/text.h"

#include <string.h>

static const char head[] =
    "# berth.yaml: what environments this repository's branches have. `berth check` checks it, `man berth.yaml` explains it.\n"
    "version: 1\n";

static const char middle[] =
    "\n"
    "repositories:\n"
    "  app: { provider: git, url: . }                   # a path or URL; its branches are followed\n"
    "\n"
    "targets:                                           # places where resources live\n"
    "  here: { provider: local }\n"
    "\n"
    "environments:                                      # every entry that matches a branch applies\n"
    "  - name: \"review/${{ branch.slug }}\"\n"
    "    tier: review\n";

static const char tail[] =
    "    templates: [app]                               # templates/app.yaml of the branch\n"
    "    target: here\n"
    "    deploy_on: [manual]                            # push, to deploy by itself\n"
    "    ttl: { default: 2d, max: 7d, from: last_push }\n"
    "    destroy_with_branch: { after: 10m }\n"
    "    on_failure: hold                               # keep the evidence; rollback | destroy\n"
    "  - name: staging\n"
    "    tier: staging\n";

static const char end[] =
    "    templates: [app]\n"
    "    target: here\n"
    "    deploy_on: [push]\n"
    "    gate: { approvals: 1 }                         # a person reads the plan and approves it\n"
    "    on_failure: hold\n"
    "    permanent: true\n"
    "\n"
    "limits: { runs: 4, steps: 8, remove_at_once: 5, remove_share: 20% }\n";

/* A name of the kind the schema asks for, from any text. */
static void add_name(struct str *out, const char *text)
{
    text_slug(out, *text ? text : "workspace", 63);
}

void config_first(const char *workspace, const char *default_branch, struct str *out)
{
    const char *branch = text_empty(default_branch) ? "main" : default_branch;
    struct str quoted = STR_INIT, excluded = STR_INIT;

    str_addf(&excluded, "!%s", branch);
    str_add(out, head);
    str_add(out, "workspace: ");
    add_name(out, workspace ? workspace : "");
    text_json_quote(&quoted, branch, strlen(branch));
    str_addf(
        out,
        "\ntrusted: { repository: app, ref: %s }           # policy (this file) is read from there and nowhere else\n",
        quoted.data);
    str_add(out, middle);
    str_add(out, "    source: { branches: [\"**\", ");
    text_json_quote(out, excluded.data, excluded.length);
    str_add(out, "] }\n");
    str_add(out, tail);
    str_addf(out, "    source: { branches: [%s] }\n", quoted.data);
    str_add(out, end);
    str_release(&quoted);
    str_release(&excluded);
}
