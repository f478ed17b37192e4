/* SPDX-License-Identifier: ISC */
/*
 * A million random events at random policies: commands by anybody, results good, bad, late, doubled and forged, interruptions, jumps of the clock, other
 * configurations, approvals of plans that are no more. After each, nothing illegal; at the end of each story every run has ended or says
 * what it waits for. BERTH_EVENTS and BERTH_SEED set how many and which; a failing story prints its trail and its seed.
 */
#include "play.h"
#include "story.h"

#include "berth/base/str.h"
#include "berth/base/time.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(SANITIZED)
#define EVENTS_DEFAULT 300000
#else
#define EVENTS_DEFAULT 1000000
#endif
#define EVENTS_TELLING 1000000 /* so many show every edge */
#define STORY_EVENTS 160
#define STORE_EVERY 25  /* one story in so many goes through a store and engine_load_* */
#define FOLLOW_EVERY 10 /* one in so many compares followed facts with loaded ones */
#define CONFIGS 24
#define DRAIN_LIMIT 4000

/* --- chance --------------------------------------------------------------------------------------------------------- */

static uint64_t next_random(uint64_t *state)
{
    uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static size_t below(struct story *story, size_t limit)
{
    return (size_t)(next_random(&story->random) % limit);
}

static bool chance(struct story *story, size_t percent)
{
    return below(story, 100) < percent;
}

static void happens(struct story *story, const char *format, ...) BERTH_PRINTF(2, 3);
static void happens(struct story *story, const char *format, ...)
{
    char text[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    story->event = arena_strdup(&story->world.arena, text);
    str_addf(&story->trail, "%s\n", text);
}

/* --- policies --------------------------------------------------------------------------------------------------------- */

static const char *pick(uint64_t *random, const char *const *texts, size_t count)
{
    return texts[next_random(random) % count];
}
#define PICK(random, ...) \
    pick(random, (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

enum crowd { ALONE, CROWD };

static void add_entry(struct str *yaml, uint64_t *random, enum crowd crowd, const char *name, const char *tier,
                      const char *source)
{
    bool permanent = next_random(random) % 4 == 0;
    const char *one = "    gate: { approvals: 1, by: [ops], expires: 8h }\n";

    str_addf(yaml,
             "  - name: \"%s\"\n    tier: %s\n    source: %s\n    templates: [shop]\n    target: here\n"
             "    on_failure: %s\n",
             name, tier, source,
             permanent ? PICK(random, "hold", "rollback") : PICK(random, "hold", "destroy", "rollback", "rollback"));
    str_add(yaml, PICK(random, "", "    rollback: { gate: none }\n",
                       "    rollback: { gate: none, windows: ignore, ask_if: [destroys, data] }\n"));
    str_add(yaml, PICK(random, "", "    deploy_on: [push]\n"));
    str_add(yaml, PICK(random, "", "", one,
                       crowd == ALONE ? one : "    gate: { approvals: 2, by: [ops], not_author: true }\n",
                       "    gate: { approvals: 1, windows: [\"Mon-Fri 09:00-16:00 Europe/Berlin\"], expires: 3d }\n",
                       "    gate: { windows: [\"Sat-Sun 00:00-23:00 UTC\"] }\n"));
    if (!permanent)
        str_add(yaml, PICK(random, "", "    destroy_with_branch: { after: 10m }\n",
                           "    destroy_with_branch: { after: 0s }\n"));
    str_add(yaml, permanent ? "    permanent: true\n"
                            : PICK(random, "", "    ttl: { default: 2d, max: 7d, from: last_deploy, extensions: 2 }\n",
                                   "    ttl: { default: 9h, max: 3d, from: last_use }\n"));
}

static struct config *random_config(uint64_t *random)
{
    enum crowd crowd = next_random(random) % 3 == 0 ? ALONE : CROWD;
    struct str yaml = STR_INIT;
    struct config *config;

    str_add(&yaml, "version: 1\nworkspace: shop\nrepositories: { app: { provider: git, url: . } }\n"
                   "people:\n  alice: { email: [alice@acme.org], unix: al }\n");
    str_add(&yaml,
            crowd == ALONE
                ? "groups: { ops: [alice] }\naccess:\n  - { who: [ops], role: admin }\n"
                : "  bob: { email: [bob@acme.org], github: bob }\n  carol: { email: [carol@acme.org], github: carol }\n"
                  "  dave: { email: [dave@acme.org], github: dave }\n"
                  "groups: { ops: [alice, bob, dave] }\n"
                  "access:\n  - { who: [ops], role: admin }\n  - { who: [carol], role: deployer }\n");
    str_add(&yaml, "targets: { here: { provider: local } }\nenvironments:\n");
    add_entry(&yaml, random, crowd, "review/${{ branch.slug }}", "review", "{ branches: [\"feature/**\"] }");
    add_entry(&yaml, random, crowd, "staging", "staging", "{ branches: [main] }");
    add_entry(&yaml, random, crowd, "prod", "prod", "{ branches: [main] }");
    str_add(&yaml, PICK(random, "", "limits: { runs: 1, steps: 4, remove_at_once: 1 }\n",
                        "limits: { runs: 2, steps: 8, remove_at_once: 2, remove_share: 60% }\n"));
    str_add(&yaml, PICK(random, "",
                        "notify:\n  - { provider: webhook, url: \"http://127.0.0.1:9/\", events: [gate, failed] }\n"));
    config = world_config(yaml.data);
    str_release(&yaml);
    return config;
}

/* --- workers ------------------------------------------------------------------------------------------------------------------ */

static const char *const branches[] = {"feature/a", "feature/b", "main"};

static const char *random_prepare(struct story *story, const struct run *run)
{
    struct play_resource resources[5] = {
        {.name = "database", .data = true, .attempts = 2},
        {.name = "server[0]", .needs = "database", .executor = "terraform"},
        {.name = "server[1]", .needs = "database", .attempts = 2, .repeatable = true},
        {.name = "proxy", .needs = "server[0],server[1]", .uses = "server[0]", .replans = true},
        {.name = "zone", .external = true},
    };
    static const char *const proxy_needs[] = {"", "server[0]", "server[1]", "server[0],server[1]"};
    struct play_resource wanted[5];
    size_t count = 0;
    size_t branch = text_equal(run->ref, "main") ? 2 : text_equal(run->ref, "feature/b") ? 1 : 0;
    const char *commit =
        text_empty(run->commit) ? arena_printf(&story->world.arena, "k%ld", story->commits) : run->commit;

    for (size_t i = 0; i < 5; i++) {
        if (!(story->shapes[branch] & (1 << i)))
            continue;
        wanted[count] = resources[i];
        if (i == 1 || i == 2)
            wanted[count].needs = story->shapes[branch] & 1 ? "database" : "";
        else if (i == 3)
            wanted[count].needs = proxy_needs[(story->shapes[branch] >> 1) & 3];
        if (i == 3 && !(story->shapes[branch] & 2))
            wanted[count].uses = "";
        count++;
    }
    return play_prepare(&story->world, run->environment_name, commit, wanted, count,
                        chance(story, 40) ? "[{\"name\":\"smoke\",\"run\":[\"./smoke\"]}]" : "");
}

/* Nobody holds it, or somebody who is proven dead, or somebody who is not. */
static const char *random_lock(struct story *story, const char *run)
{
    bool dead = chance(story, 50);

    (void)map_remove(&story->proven, run);
    if (dead)
        (void)map_set(&story->proven, arena_strdup(&story->world.arena, run), story);
    if (chance(story, 30))
        return play_plan(&story->world, "none", "");
    return arena_printf(&story->world.arena,
                        "{\"action\":\"run\",\"summary\":\"releases\",\"reason\":\"held\",\"spec_digest\":\"\","
                        "\"changes\":[],\"lock\":{\"id\":\"l%zu\",\"dead\":%s}}",
                        below(story, 4), dead ? "true" : "false");
}

static const char *random_plan(struct story *story, const struct step *step)
{
    json_t *spec = json_column(step->spec);
    bool wanted = json_is_object(json_object_get(spec, "wanted"));
    bool recorded = json_is_object(json_object_get(spec, "recorded"));
    const char *action;
    bool command = json_object_get(spec, "command") != NULL, unlock = json_object_get(spec, "unlock") != NULL;

    json_decref(spec);
    if (unlock)
        return random_lock(story, step->run);
    if (command)
        action = chance(story, 97) ? "run" : "destroy"; /* nonsense */
    else if (chance(story, 2))
        action = "create"; /* nonsense where nothing is wanted */
    else if (!wanted)
        action = chance(story, 90) ? "destroy" : "none";
    else if (!recorded)
        action = chance(story, 85) ? "create" : "deferred";
    else {
        static const char *const actions[] = {"none", "none", "none", "update", "run", "replace", "deferred"};

        action = actions[below(story, 7)];
    }
    return play_plan(&story->world, action, arena_printf(&story->world.arena, "d%zu", below(story, 4)));
}

static const char *good_body(struct story *story, const struct step *step)
{
    switch ((enum step_phase)step->phase) {
    case PHASE_PREPARE: return random_prepare(story, world_run(&story->world, step->run));
    case PHASE_PLAN: return random_plan(story, step);
    case PHASE_APPLY: return "{\"outputs\":{\"url\":\"http://x\"},\"spec_digest\":\"d1\",\"exit_status\":0}";
    case PHASE_DESTROY:
    case PHASE_CHECK: break;
    case PHASE_EXEC: return "{\"exit_status\":0}";
    }
    return "{}";
}

static const struct step *random_step(struct story *story, enum step_status status)
{
    size_t count = story->world.steps.count;
    size_t from = count == 0 ? 0 : below(story, count);

    for (size_t i = 0; i < count; i++) {
        const struct step *step = story->world.steps.items[(from + i) % count];

        if (step->status == (int)status)
            return step;
    }
    return NULL;
}

static void do_claim(struct story *story)
{
    const struct step *step = random_step(story, STEP_READY);

    if (step == NULL)
        return;
    happens(story, "claim %s", step->id);
    (void)world_claim(&story->world, step->id);
}

static void do_result(struct story *story)
{
    const struct step *step = random_step(story, STEP_RUNNING);
    size_t how = below(story, 100);

    if (step == NULL)
        return;
    happens(story, "result of %s: %s", step->id,
            how < 84   ? "good"
            : how < 93 ? "failed"
            : how < 95 ? "unreachable"
            : how < 97 ? "asks"
            : how < 98 ? "cancelled"
                       : "garbage");
    if (how < 84)
        world_result(&story->world, step, STEP_DONE, good_body(story, step), ERROR_NONE, step->token, step->epoch);
    else if (how < 93)
        world_result(&story->world, step, STEP_FAILED, "", ERROR_TOOL, step->token, step->epoch);
    else if (how < 95)
        world_result(&story->world, step, STEP_FAILED, "", ERROR_UNREACHABLE, step->token, step->epoch);
    else if (how < 97)
        world_result(&story->world, step, STEP_FAILED,
                     chance(story, 50) ? play_plan(&story->world, "replace", "d9") : "", ERROR_WAITING, step->token,
                     step->epoch);
    else if (how < 98)
        world_result(&story->world, step, STEP_CANCELLED, "", ERROR_CANCELLED, step->token, step->epoch);
    else
        world_result(&story->world, step, STEP_DONE, "[\"garbage\"]", ERROR_NONE, step->token, step->epoch);
}

/* Late, doubled or forged: whatever it says is not taken. */
static void do_stale_result(struct story *story)
{
    const struct step *step;
    size_t before = story->world.audits.count;
    bool forged = chance(story, 50);

    if (story->world.steps.count == 0)
        return;
    step = story->world.steps.items[below(story, story->world.steps.count)];
    happens(story, "stale result of %s", step->id);
    if (step->status != STEP_RUNNING && chance(story, 60))
        world_result(&story->world, step, chance(story, 50) ? STEP_DONE : STEP_FAILED, good_body(story, step),
                     ERROR_TOOL, step->token, step->epoch);
    else
        world_result(&story->world, step, STEP_DONE, good_body(story, step), ERROR_NONE, forged ? "T0" : step->token,
                     forged ? step->epoch : step->epoch + 7);
    if (world_step(&story->world, step->id) != step)
        wrong(story, "a stale result changed %s", step->id);
    if (story->world.audits.count == before)
        wrong(story, "a stale result was not audited");
}

static void do_interrupt(struct story *story)
{
    const struct step *step = random_step(story, STEP_RUNNING);

    if (step == NULL)
        return;
    happens(story, "%s is interrupted", step->id);
    story->interrupts = true;
    world_interrupt(&story->world, step->id);
    story->interrupts = false;
}

static void look_at_all(struct story *story)
{
    for (size_t i = 0; i < story->world.runs.count; i++)
        vec_push(&story->world.due, story->world.runs.items[i]->id);
    world_settle(&story->world);
}

static void do_restart(struct story *story)
{
    happens(story, "the supervisor starts again");
    story->world.epoch++;
    story->interrupts = true;
    for (size_t i = 0; i < story->world.steps.count; i++)
        if (story->world.steps.items[i]->status == STEP_RUNNING)
            world_interrupt(&story->world, story->world.steps.items[i]->id);
    story->interrupts = false;
    look_at_all(story);
}

/* --- people, machines, time --------------------------------------------------------------------------------------------------- */

/* Most people ask for what can be. */
static bool is_meant(const struct run *run, const char *verb)
{
    if (text_equal(verb, "retry"))
        return run->status == RUN_HELD || run->status == RUN_FAILED;
    if (text_equal(verb, "cancel"))
        return !run_ended((enum run_status)run->status);
    return run->status == RUN_GATE;
}

static const char *random_run(struct story *story, const char *verb)
{
    size_t count = story->world.runs.count;
    size_t from = count == 0 ? 0 : below(story, count);

    if (count == 0 || chance(story, 3))
        return "999";
    for (size_t i = 0; i < count && chance(story, 95); i++)
        if (is_meant(story->world.runs.items[(from + i) % count], verb))
            return story->world.runs.items[(from + i) % count]->id;
    return story->world.runs.items[from]->id;
}

static const char *random_place(struct story *story)
{
    size_t count = story->world.environments.count;

    if (count > 0 && chance(story, 60))
        return story->world.environments.items[below(story, count)]->name;
    return chance(story, 90) ? branches[below(story, 2)] : chance(story, 80) ? "staging" : "nowhere";
}

static const char *random_arguments(struct story *story, const char *verb, const char *subject)
{
    struct arena *arena = &story->world.arena;

    if (text_equal(verb, "destroy"))
        return chance(story, 85) ? arena_printf(arena, "{\"confirm\":\"%s\"}", subject) : "";
    if (text_equal(verb, "approve")) {
        const struct run *run = world_run(&story->world, subject);

        return arena_printf(arena, "{\"digest\":\"%s\"}", run == NULL || chance(story, 12) ? "stale" : run->digest);
    }
    if (text_equal(verb, "rollback"))
        return chance(story, 50) ? "" : arena_printf(arena, "{\"to\":\"v%zu\"}", below(story, 4));
    if (text_equal(verb, "exec"))
        return chance(story, 40)   ? "{\"command\":[\"terraform\",\"state\",\"list\"]}"
               : chance(story, 90) ? "{\"command\":[\"terraform\",\"state\",\"rm\",\"a\"]}"
                                   : "{\"command\":[\"terraform\",\"apply\"]}";
    if (text_equal(verb, "extend"))
        return "{\"by\":\"1d\"}";
    if (text_equal(verb, "freeze") || text_equal(verb, "stop-all") || text_equal(verb, "hold"))
        return "{\"until\":\"4h\"}";
    if (text_equal(verb, "deploy") && chance(story, 10))
        return chance(story, 50) ? "{\"ttl\":\"8h\"}" : "{\"ref\":\"main\"}";
    return "";
}

static void command(struct story *story, const char *verb, const char *subject, const char *arguments,
                    const char *actor, const char *via)
{
    const struct command *answered;

    happens(story, "%s %s %s by %s via %s", verb, subject, arguments, actor, via);
    story->verb = verb;
    answered = world_command(&story->world, verb, subject, arguments, actor, via);
    story->verb = "";
    str_addf(&story->trail, "    %s: %s\n", word_name(command_status_names, answered->status),
             world_answer(&story->world));
    if (answered->status == COMMAND_WAITING)
        wrong(story, "the command was not answered");
}

static void do_command(struct story *story)
{
    static const char *const about_runs[] = {"approve", "approve", "approve", "reject", "cancel", "retry", "retry"};
    static const char *const about_places[] = {"deploy",   "deploy",   "deploy",  "deploy",    "plan",   "destroy",
                                               "hold",     "unhold",   "protect", "unprotect", "extend", "unhold",
                                               "rollback", "rollback", "exec",    "exec",      "unlock"};
    static const char *const about_all[] = {"freeze", "unfreeze", "stop-all", "resume-all", "unfreeze", "resume-all"};
    static const char *const actors[] = {"uid:1000",     "uid:1000", "github:dave", "github:bob",
                                         "github:carol", "uid:7",    "token:ci"};
    const char *actor = actors[below(story, 7)];
    size_t what = below(story, 100);
    const char *verb, *subject;

    if (what < 50) {
        verb = about_runs[below(story, 7)];
        subject = random_run(story, verb);
    } else if (what < 95) {
        verb = about_places[below(story, 17)];
        subject = random_place(story);
    } else {
        verb = about_all[below(story, 6)];
        subject = chance(story, 50) ? "review" : "all";
    }
    command(story, verb, subject, random_arguments(story, verb, subject), actor, "cli");
}

static void do_push(struct story *story)
{
    size_t branch = below(story, 3);
    const char *commit = arena_printf(&story->world.arena, "c%ld", ++story->commits);

    story->shapes[branch] = (int)below(story, 32);
    happens(story, "push %s %s shape %d", branches[branch], commit, story->shapes[branch]);
    world_push(&story->world, branches[branch], commit);
    if (chance(story, 80))
        command(story, "deploy", branches[branch],
                arena_printf(&story->world.arena, "{\"ref\":\"%s\",\"commit\":\"%s\"}", branches[branch], commit),
                "trigger:push", "push");
}

/* A branch goes, is missed only once, or is back; listings fail in between. */
static void do_listing(struct story *story)
{
    const char *name = branches[below(story, 3)];
    size_t what = below(story, 100);

    happens(story, "listing: %s %s", name, what < 45 ? "goes" : what < 80 ? "is there" : what < 90 ? "?" : "all");
    if (what < 45) {
        world_lose_branch(&story->world, name);
    } else if (what < 80) {
        world_push(&story->world, name, arena_printf(&story->world.arena, "c%ld", ++story->commits));
        world_list(&story->world, WORLD_WHOLE);
    } else {
        world_list(&story->world, what < 90 ? WORLD_PARTIAL : WORLD_WHOLE);
    }
}

static void do_clean(struct story *story)
{
    happens(story, "the cleaner looks%s", story->jumped ? " after a jump of the clock" : "");
    before_clean(story);
    world_clean(&story->world, story->jumped ? WORLD_JUMPED : WORLD_STEADY);
    world_settle(&story->world);
    after_clean(story);
    story->jumped = false;
}

static void do_accept(struct story *story)
{
    happens(story, "waiting commands are answered");
    story->verb = "cleaner";
    world_accept(&story->world);
    story->verb = "";
}

static void do_ttl(struct story *story)
{
    for (size_t i = 0; i < story->world.environments.count; i++) {
        const struct environment *environment = story->world.environments.items[i];

        if (environment->status != ENVIRONMENT_DESTROYED && environment->planned_destruction_at != 0 &&
            environment->planned_destruction_at <= story->world.now) {
            command(story, "destroy", environment->name, "", "berth", "ttl");
            return;
        }
    }
}

static void do_time(struct story *story)
{
    static const int64_t jumps[] = {100, 1000, 5000, 60000, MS_HOUR, 9 * MS_HOUR, 3 * MS_DAY};
    int64_t ms = jumps[chance(story, 80) ? below(story, 4) : 4 + below(story, 3)];

    if (chance(story, 3)) {
        happens(story, "the clock goes back by %lld ms", (long long)ms);
        story->world.now -= ms;
        story->jumped |= ms > 10 * MS_MINUTE;
        look_at_all(story); /* as the supervisor does that sees a jump */
        return;
    }
    happens(story, "%lld ms pass", (long long)ms);
    world_pass(&story->world, ms);
    if (ms > MS_HOUR && chance(story, 30)) /* they did not: the clock went ahead */
        story->jumped = true;
}

static void do_observe(struct story *story)
{
    size_t count = story->world.resources.count;
    struct resource *seen;
    size_t at;

    if (count == 0)
        return;
    at = below(story, count);
    if (story->world.resources.items[at]->status != RESOURCE_OK &&
        story->world.resources.items[at]->status != RESOURCE_DEGRADED)
        return;
    seen = arena_copy(&story->world.arena, story->world.resources.items[at], sizeof *seen);
    seen->status = chance(story, 50) ? RESOURCE_OK : RESOURCE_DEGRADED;
    story->world.resources.items[at] = seen;
    happens(story, "%s is seen %s", seen->id, word_name(resource_status_names, seen->status));
}

/* The branch of something that is there goes, and its grace passes: now or soon the cleaner decides. */
static void do_desert(struct story *story)
{
    size_t count = story->world.environments.count;
    const struct environment *environment = count == 0 ? NULL : story->world.environments.items[below(story, count)];

    if (environment == NULL || text_empty(environment->branch))
        return;
    happens(story, "the branch of %s goes, and its grace passes", environment->name);
    world_lose_branch(&story->world, environment->branch);
    world_pass(&story->world, 11 * MS_MINUTE);
    if (chance(story, 80))
        do_clean(story);
    if (chance(story, 50))
        do_accept(story);
}

static void do_end(struct story *story)
{
    size_t what = below(story, 100);

    if (what < 30)
        do_desert(story);
    else if (what < 50)
        do_listing(story);
    else if (what < 80)
        do_clean(story);
    else
        do_accept(story);
}

static void random_event(struct story *story, struct config *const *configs)
{
    size_t what = below(story, 1000);

    if (what < 300)
        do_claim(story);
    else if (what < 640)
        do_result(story);
    else if (what < 660)
        do_stale_result(story);
    else if (what < 680)
        do_interrupt(story);
    else if (what < 860)
        do_command(story);
    else if (what < 910)
        do_push(story);
    else if (what < 955)
        do_time(story);
    else if (what < 962)
        do_observe(story);
    else if (what < 965)
        do_ttl(story);
    else if (what < 985)
        do_end(story);
    else if (what < 992)
        do_restart(story);
    else {
        happens(story, "berth.yaml changes");
        story_policy(story, configs[below(story, CONFIGS)]);
        look_at_all(story);
    }
}

/* --- the end of a story -------------------------------------------------------------------------------------------------------- */

static void drain_steps(struct story *story)
{
    const struct step *step;

    for (size_t i = 0; i < DRAIN_LIMIT && story->wrong == 0; i++) {
        step = random_step(story, STEP_RUNNING);
        if (step != NULL) {
            happens(story, "drain %s", step->id);
            world_result(&story->world, step, STEP_DONE, good_body(story, step), ERROR_NONE, step->token, step->epoch);
        } else if ((step = random_step(story, STEP_READY)) != NULL) {
            happens(story, "drain: claim %s", step->id);
            if (!world_claim(&story->world, step->id)) {
                happens(story, "drain: time passes for %s", step->id);
                world_pass(&story->world,
                           step->not_before_at > story->world.now ? step->not_before_at - story->world.now : 0);
                if (!world_claim(&story->world, step->id))
                    wrong(story, "%s is ready but cannot be claimed", step->id);
            }
        } else
            return;
        check_touched(story);
    }
    wrong(story, "steps without end");
}

/* Nobody was forgotten: looking at a run once more changes nothing. */
static void check_forgotten(struct story *story, const struct run *run)
{
    int status = run->status;
    const char *id = run->id;

    vec_push(&story->world.due, id);
    world_settle(&story->world);
    if (world_run(&story->world, id)->status != status)
        wrong(story, "run %s was forgotten: %s becomes %s", id, word_name(run_status_names, status),
              word_name(run_status_names, world_run(&story->world, id)->status));
    if (status == RUN_GATE && strstr(world_run(&story->world, id)->status_reason, "has moved") != NULL)
        wrong(story, "run %s waits for what never comes: %s", id, world_run(&story->world, id)->status_reason);
}

/* What happened last the cleaner has seen too. */
static void drain_ends(struct story *story)
{
    do_clean(story);
    do_accept(story);
    drain_steps(story);
}

static void check_end(struct story *story)
{
    for (size_t i = 0; i < story->world.runs.count; i++) {
        const struct run *run = story->world.runs.items[i];
        bool waits = run->status == RUN_GATE || run->status == RUN_HELD || run->status == RUN_QUEUED ||
                     run->status == RUN_ROLLING_BACK;

        if (run_ended((enum run_status)run->status))
            continue;
        check_forgotten(story, run);
        for (size_t j = 0; run->status == RUN_HELD && run->applying_at != 0 && j < story->world.runs.count; j++)
            if (text_equal(story->world.runs.items[j]->environment, run->environment) &&
                story->world.runs.items[j]->applying_at > run->applying_at)
                wrong(story, "run %s can be retried over what run %s changed", run->id, story->world.runs.items[j]->id);
        if (!waits)
            wrong(story, "run %s is stuck: %s, %s", run->id, word_name(run_status_names, run->status),
                  run->status_reason ? run->status_reason : "");
        else if (text_empty(run->status_reason))
            wrong(story, "run %s is %s and does not say what it waits for", run->id,
                  word_name(run_status_names, run->status));
    }
}

static void count_story(const struct story *story, struct totals *totals)
{
    for (size_t i = 0; i < story->world.runs.count; i++) {
        const struct run *run = story->world.runs.items[i];

        totals->runs++;
        totals->done += run->status == RUN_DONE;
        totals->failed += run->status == RUN_FAILED;
        totals->held += run->status == RUN_HELD;
        totals->cancelled += run->status == RUN_CANCELLED;
        totals->superseded += run->status == RUN_SUPERSEDED;
        totals->rejected += run->status == RUN_REJECTED;
        totals->ended += run->status == RUN_DONE && is_machines_destroy(run);
        totals->called_back += run->status == RUN_CANCELLED && is_machines_destroy(run);
    }
    totals->destroyed += (long)story->world.recipes.count;
    totals->stories++;
}

static bool play_story(uint64_t seed, struct config *const *configs, struct totals *totals)
{
    struct story story = {.seed = seed, .random = seed, .totals = totals, .verb = "", .event = "the beginning"};
    bool fine;

    str_init(&story.trail);
    world_init(&story.world, configs[seed % CONFIGS]);
    if (seed % STORE_EVERY == 0)
        world_use_store(&story.world);
    story.world.follow = seed % FOLLOW_EVERY == 1;
    story.world.on_put = watch;
    story.world.context = &story;
    for (size_t i = 0; i < 3; i++) {
        story.shapes[i] = (int)below(&story, 32);
        world_push(&story.world, branches[i], arena_printf(&story.world.arena, "c%ld", ++story.commits));
    }
    world_list(&story.world, WORLD_WHOLE);
    for (size_t i = 0; i < STORY_EVENTS && story.wrong == 0; i++) {
        random_event(&story, configs);
        check_touched(&story);
        totals->events++;
        story.events++;
    }
    if (story.wrong == 0)
        drain_steps(&story);
    if (story.wrong == 0)
        drain_ends(&story);
    if (story.wrong == 0)
        check_end(&story);
    fine = story.wrong == 0;
    if (!fine)
        fprintf(stderr, "story %llu:\n%s", (unsigned long long)seed, story.trail.data);
    count_story(&story, totals);
    vec_release(&story.touched);
    map_release(&story.planned);
    map_release(&story.gated);
    map_release(&story.cut);
    map_release(&story.proven);
    map_release(&story.applied);
    map_release(&story.applier);
    str_release(&story.trail);
    world_release(&story.world);
    return fine;
}

/* Too rare to count on in a million; each has its sentence in test_workflows or test_rollback. */
static bool is_rare(const struct engine_edge *edge)
{
    return (edge->from == RUN_GATE && (edge->to == RUN_FAILED || edge->to == RUN_VALIDATING)) ||
           (edge->from == RUN_FAILED && edge->to == RUN_GATE) || edge->from == RUN_ROLLING_BACK;
}

/* Every edge that changes a status was taken, else the million says little. */
static bool all_ways(const struct totals *totals)
{
    size_t count;
    const struct engine_edge *edges = engine_edges(&count);
    bool all = true;

    for (size_t i = 0; i < count; i++) {
        if (getenv("BERTH_EDGES") != NULL && edges[i].to >= 0)
            printf("# %ld times %s to %s by '%s'\n", totals->ways[edges[i].from][edges[i].to],
                   run_status_names[edges[i].from], run_status_names[edges[i].to], edges[i].event);
        if (edges[i].to < 0 || is_rare(&edges[i]) || edges[i].to == edges[i].from ||
            totals->ways[edges[i].from][edges[i].to] > 0)
            continue;
        printf("# never seen: %s to %s by '%s'\n", run_status_names[edges[i].from], run_status_names[edges[i].to],
               edges[i].event);
        all = false;
    }
    return all;
}

static long number_of(const char *name, long preset)
{
    const char *text = getenv(name);
    long long value;

    return text != NULL && text_to_int(text, &value) ? (long)value : preset;
}

int main(void)
{
    struct config *configs[CONFIGS];
    struct totals totals = {0};
    uint64_t seed = (uint64_t)number_of("BERTH_SEED", 1), random = 7;
    long events = number_of("BERTH_EVENTS", EVENTS_DEFAULT);
    bool fine = true;

    for (size_t i = 0; i < CONFIGS; i++)
        configs[i] = random_config(&random);
    while (fine && totals.events < events)
        fine = play_story(seed++, configs, &totals);
    if (fine && events >= EVENTS_TELLING)
        fine = all_ways(&totals);
    printf("1..1\n%sok 1 - engine__a_million_random_events_leave_no_illegal_state\n", fine ? "" : "not ");
    printf("# %ld events in %ld stories up to seed %llu, %ld runs: %ld done, %ld failed, %ld held, %ld cancelled, "
           "%ld superseded, %ld rejected; %ld environments destroyed, %ld ends by themselves, %ld called back\n",
           totals.events, totals.stories, (unsigned long long)seed - 1, totals.runs, totals.done, totals.failed,
           totals.held, totals.cancelled, totals.superseded, totals.rejected, totals.destroyed, totals.ended,
           totals.called_back);
    for (size_t i = 0; i < CONFIGS; i++)
        config_free(configs[i]);
    return fine ? 0 : 1;
}
