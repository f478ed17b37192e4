/* SPDX-License-Identifier: ISC */
/* The template that the stories deploy, and the tool of its resources. */
#include "faults/shop.h"

#include "berth/base/str.h"

static void resource(struct str *out, const char *name, const char *needs, const char *more, enum shop_stage stage)
{
    bool broken = stage == SHOP_BROKEN && text_equal(name, "b");
    str_addf(out, "  %s: { executor: exec, run: [./tool, up, %s%s], undo: [./tool, down, %s]%s%s", name, name,
             broken ? ", broken" : "", name, needs, broken ? "" : more);
    if (stage == SHOP_PLANNED)
        str_addf(out, ", plan: [./tool, plan, %s]", name);
    str_add(out, " }\n");
}

void shop_template(struct str *out, enum world_executor executor, enum shop_stage stage, int port)
{
    struct str more = STR_INIT, counted = STR_INIT;
    bool prunes = stage == SHOP_BEFORE_PRUNE || stage == SHOP_AFTER_PRUNE;
    if (prunes) /* a and b are not run again: the commit does not touch their tool */
        str_add(&more, ", changed: [tool]");
    if (executor == WORLD_EXEC_RETRIES)
        str_add(&more, ", retries: { attempts: 3, backoff: 1s }");
    if (executor == WORLD_GUARDED)
        str_addf(&more,
                 ", env: { TOKEN: \"${{ secret.env.FAULTS_SECRET }}\" }, probes: [ { tcp: \"127.0.0.1:%d\", every: 1s "
                 "} ]",
                 port);
    str_addf(&counted, "%s, count: %d", more.data, stage == SHOP_BEFORE_PRUNE ? 2 : 1);
    str_add(out, "template: shop\nversion: 1\nresources:\n");
    if (executor == WORLD_EXTERNAL)
        str_add(out, "  zone: { executor: external, description: not ours, contact: bob }\n");
    resource(out, "a", "", more.data, stage);
    resource(out, "b", ", needs: [a]", more.data, stage);
    if (stage != SHOP_AFTER_PRUNE)
        resource(out, "c", executor == WORLD_EXTERNAL ? ", needs: [b, zone]" : ", needs: [b]", more.data, stage);
    if (prunes)
        resource(out, "d", "", counted.data, stage);
    if (!prunes)
        str_add(out, "checks: [ { run: [./tool, check, all] } ]\n");
    str_release(&more);
    str_release(&counted);
}

static const char journal[] =
    "echo \"begin $1 $2\" >>journal\n"
    "if [ -p \"hold.$1.$2\" ]; then read -r line <\"hold.$1.$2\"; fi\n"
    "if [ \"$3\" = broken ] || [ -e \"fail.$1.$2\" ]; then echo \"fail $1 $2\" >>journal; exit 7; fi\n"
    "echo \"end $1 $2\" >>journal\n";

void shop_tool(struct str *out, enum world_executor executor, const char *folder)
{
    str_addf(out, "#!/bin/sh\ncd '%s' || exit 3\n", folder);
    if (executor == WORLD_CLEARED)
        str_addf(out, "exec env -i /bin/sh '%s/" SHOP_CLEARED "' \"$@\"\n", folder);
    else
        str_add(out, journal);
}

void shop_cleared_tool(struct str *out, const char *folder)
{
    str_addf(out,
             "cd '%s' || exit 3\n"
             "if [ \"$1\" = idle ]; then read -r line <>idle; exit; fi\n"
             "/bin/sh '%s/" SHOP_CLEARED "' idle &\n%s"
             "kill $!\n",
             folder, folder, journal);
}
