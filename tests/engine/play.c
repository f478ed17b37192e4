/* SPDX-License-Identifier: ISC */
/* Workers of a played world. */
#include "play.h"

#include "berth/base/str.h"
#include "berth/base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

const char play_yaml[] = "version: 1\n"
                         "workspace: shop\n"
                         "repositories: { app: { provider: git, url: . } }\n"
                         "people:\n"
                         "  alice: { email: [alice@acme.org], unix: al }\n"
                         "  bob: { email: [bob@acme.org], github: bob }\n"
                         "groups: { ops: [alice, bob] }\n"
                         "access:\n"
                         "  - { who: [ops], role: admin }\n"
                         "targets: { here: { provider: local } }\n"
                         "environments:\n"
                         "  - name: dev\n"
                         "    tier: dev\n"
                         "    source: { branches: [\"feature/**\"] }\n"
                         "    templates: [shop]\n"
                         "    target: here\n"
                         "    deploy_on: [push]\n"
                         "    on_failure: hold\n"
                         "  - name: brief\n"
                         "    tier: ephemeral\n"
                         "    source: { branches: [\"fix/**\"] }\n"
                         "    templates: [shop]\n"
                         "    target: here\n"
                         "    on_failure: destroy\n"
                         "    ttl: { default: 8h, max: 5d }\n"
                         "  - name: staging\n"
                         "    tier: staging\n"
                         "    source: { branches: [main] }\n"
                         "    templates: [shop]\n"
                         "    target: here\n"
                         "    gate: { approvals: 1, by: [ops], expires: 8h }\n"
                         "limits: { runs: 2, steps: 8 }\n";

static json_t *list_of(const char *names)
{
    json_t *list = json_array();
    const char *at = names;

    while (!text_empty(at)) {
        size_t length = strcspn(at, ",");

        json_array_append_new(list, json_stringn(at, length));
        at += length + (at[length] == ',');
    }
    return list;
}

static json_t *wanted_of(const struct play_resource *resource, const char *commit)
{
    json_t *spec = json_pack("{s:[s,s]}", "run", "./do", commit);
    json_t *wanted = json_pack(
        "{s:s, s:s, s:s, s:s, s:i, s:i, s:s, s:o, s:o, s:b, s:b, s:I, s:i, s:b}", "address", resource->name, "template",
        "shop", "template_version", "1", "name", resource->name, "item", 0, "count", 0, "executor",
        resource->external           ? "external"
        : resource->executor != NULL ? resource->executor
                                     : "exec",
        "needs", list_of(resource->needs), "spec", spec, "external", (int)resource->external, "data",
        (int)resource->data, "attempts", (json_int_t)(resource->attempts > 0 ? resource->attempts : 1), "backoff_ms",
        1000, "repeatable", (int)resource->repeatable);

    if (!text_empty(resource->uses)) {
        json_t *path = json_object();

        json_object_set_new(path, "path", json_sprintf("resource.%s.outputs.url", resource->uses));
        json_object_set_new(spec, "url", json_pack("{s:[o]}", "$parts", path));
    }
    if (resource->replans)
        json_object_set_new(wanted, "replans", json_true());
    return wanted;
}

/* What the newest run there was asked for. */
static const char *ref_of(const struct world *world, const char *environment)
{
    for (size_t i = world->runs.count; i-- > 0;)
        if (text_equal(world->runs.items[i]->environment_name, environment) && !text_empty(world->runs.items[i]->ref))
            return world->runs.items[i]->ref;
    return "main";
}

const char *play_prepare(struct world *world, const char *environment, const char *commit,
                         const struct play_resource *resources, size_t count, const char *checks)
{
    json_t *wanted = json_array(), *body;
    const char *text;
    struct str slug = STR_INIT;

    text_slug(&slug, environment, 40);
    for (size_t i = 0; i < count; i++)
        json_array_append_new(wanted, wanted_of(&resources[i], commit));
    body = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:[{s:s,s:s,s:s}], s:[], s:[{s:s,s:s}], s:o}", "environment_name",
                     environment, "slug_wish", slug.data, "commit", commit, "subject", "a change", "author_email",
                     "carol@acme.org", "committer_email", "carol@acme.org", "sources", "repository", "app", "ref",
                     ref_of(world, environment), "commit", commit, "templates", "entrypoints", "name", "web", "url",
                     "http://127.0.0.1:8080/", "wanted", wanted);
    if (world->size != NULL)
        json_object_set_new(body, "settings",
                            json_pack("{s:{}, s:{s:{s:s}}}", "inputs", "parameters", "shop", "size", world->size));
    if (!text_empty(checks))
        json_object_set_new(body, "checks", json_column(checks));
    text = json_text(&world->arena, body);
    json_decref(body);
    str_release(&slug);
    return text;
}

const char *play_plan(struct world *world, const char *action, const char *digest)
{
    return arena_printf(
        &world->arena,
        "{\"action\":\"%s\",\"summary\":\"runs ./do\",\"reason\":\"\",\"spec_digest\":\"%s\",\"changes\":[]}", action,
        digest);
}

static const char *planned_action(const struct step *step)
{
    json_t *spec = json_column(step->spec);
    const char *action = "update";

    if (json_object_get(spec, "command") != NULL)
        action = "run";
    else if (json_object_get(spec, "unlock") != NULL)
        action = "none";
    else if (json_is_null(json_object_get(spec, "wanted")))
        action = "destroy";
    else if (json_is_null(json_object_get(spec, "recorded")))
        action = "create";
    json_decref(spec);
    return action;
}

void play_step(struct world *world, const char *id)
{
    static const struct play_resource plain[] = {{.name = "database"}, {.name = "server", .needs = "database"}};
    const struct step *step;
    const char *body = "{}";

    BUG_ON(!world_claim(world, id));
    step = world_step(world, id);
    if (step->phase == PHASE_PREPARE) {
        const struct run *run = world_run(world, step->run);

        body = play_prepare(world, run->environment_name, text_empty(run->commit) ? "c1" : run->commit, plain, 2, "");
    } else if (step->phase == PHASE_PLAN) {
        body = play_plan(world, planned_action(step), "d1");
    } else if (step->phase == PHASE_APPLY) {
        body = arena_printf(&world->arena,
                            "{\"outputs\":{\"url\":\"http://%s\"},\"spec_digest\":\"d1\",\"exit_status\":0}",
                            step->address);
    }
    if (step->phase == PHASE_EXEC)
        body = "{\"exit_status\":0}";
    world_result(world, step, STEP_DONE, body, ERROR_NONE, step->token, step->epoch);
}

void play_asks(struct world *world, const char *id, const char *plan)
{
    const struct step *step;

    BUG_ON(!world_claim(world, id));
    step = world_step(world, id);
    world_result(world, step, STEP_FAILED, plan, ERROR_WAITING, step->token, step->epoch);
}

static const struct step *ready_step(const struct world *world, const char *run, unsigned phases)
{
    for (size_t i = 0; i < world->steps.count; i++)
        if (text_equal(world->steps.items[i]->run, run) && world->steps.items[i]->status == STEP_READY &&
            (phases & 1u << world->steps.items[i]->phase) != 0 && world->steps.items[i]->not_before_at <= world->now)
            return world->steps.items[i];
    return NULL;
}

void play_all(struct world *world, const char *run)
{
    const struct step *step;

    while ((step = ready_step(world, run, ~0u)) != NULL)
        play_step(world, step->id);
}

void play_phase(struct world *world, const char *run, enum step_phase phase)
{
    const struct step *step;

    while ((step = ready_step(world, run, 1u << phase)) != NULL)
        play_step(world, step->id);
}

/* --- the world of a sentence ------------------------------------------------------------------------------------------- */

int play_begin(void **state, const char *yaml, const char *const *pushes)
{
    struct world *world = mem_zero(1, sizeof *world);

    world_init(world, world_config(yaml));
    world_use_store(world);
    world->follow = true;
    for (size_t i = 0; pushes[i] != NULL; i += 2)
        world_push(world, pushes[i], pushes[i + 1]);
    *state = world;
    return 0;
}

int play_end(void **state)
{
    struct world *world = *state;
    struct config *config = world->config;

    for (size_t i = 0; i < world->runs.count; i++)
        assert_string_equal(world_check(world, world->runs.items[i]->id), "");
    world_release(world);
    config_free(config);
    vec_free(world);
    return 0;
}

void play_policy(struct world *world, const char *yaml)
{
    config_free(world->config);
    world->config = world_config(yaml);
}

int play_command(struct world *world, const char *verb, const char *subject, const char *arguments)
{
    return world_command(world, verb, subject, arguments, OWNER, "cli")->status;
}

const char *play_deploy(struct world *world, const char *subject)
{
    assert_int_equal(play_command(world, "deploy", subject, ""), COMMAND_ACCEPTED);
    return arena_strdup(&world->arena, world->answered->run);
}

int play_approve(struct world *world, const char *run)
{
    return play_command(world, "approve", run,
                        arena_printf(&world->arena, "{\"digest\":\"%s\"}", world_run(world, run)->digest));
}

void play_ends(struct world *world, const char *step, enum step_status status, const char *body, enum error_code code)
{
    const struct step *row;

    assert_true(world_claim(world, step));
    row = world_step(world, step);
    world_result(world, row, status, body, code, row->token, row->epoch);
}
