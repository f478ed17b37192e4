/* SPDX-License-Identifier: ISC */
/* The one table of verbs: what berth can be asked, by key, command line, palette, API and bus. */
#include "command/table.h"

#include "berth/base/str.h"
#include "berth/policy.h"

#define ROUTE_ENVIRONMENT "POST /api/v1/environments/{name}/actions"
#define ROUTE_RUN "POST /api/v1/runs/{number}/actions"
#define ROUTE_WORKSPACE "POST /api/v1/actions"

#define SUBJECT(argument_name, argument_type, text)                                                      \
    {                                                                                                    \
        .name = argument_name, .type = argument_type, .positional = true, .required = true, .help = text \
    }
#define OPTION(argument_name, argument_type, text)                 \
    {                                                              \
        .name = argument_name, .type = argument_type, .help = text \
    }

#define DEPLOY_OPTIONS                                                                                              \
    OPTION("ref", ARGUMENT_REF, "the commit, branch or tag; without it the environment's own"),                     \
        {.name = "with", .type = ARGUMENT_PAIR, .repeated = true, .help = "a parameter or input of the templates"}, \
        OPTION("ttl", ARGUMENT_DURATION, "how long the environment may live"),                                      \
        OPTION("pr", ARGUMENT_NUMBER, "the pull request whose commit it is")

static const struct verb all_verbs[] = {
    /* --- what acts: a command row, answered by berthd ------------------------------------------------------- */
    {.name = "plan",
     .kind = VERB_ACTS,
     .role = ROLE_DEPLOYER,
     .scopes = SCOPE_ENVIRONMENT | SCOPE_BRANCH,
     .policy_flags = POLICY_READS,
     .confirm = CONFIRM_NONE,
     .hint = "plan",
     .help = "Make a plan and apply nothing.",
     .manual = "Resolves the commit, reads the templates there and shows what a deploy would change. Nothing is "
               "applied and no lock is taken. A branch that fits several environments is refused with their names. "
               "With --delta it shows, part by part, what is different from the plan that was approved last: of the "
               "open run that asks again, or waits with a plan of its own, without planning anew; else, and with any "
               "other option, of a new plan, compared with what was approved last for the open run, or with no open "
               "run with the plan that was applied last. What is left of an approved change is as approved. An "
               "approval is of the whole new plan whatever the delta says.",
     .route = ROUTE_ENVIRONMENT,
     .audit = "plan",
     .undo = "",
     .json = true,
     .wait = true,
     .dry_run = true,
     .arguments = {SUBJECT("environment|branch", ARGUMENT_BRANCH_OR_ENVIRONMENT, "what to plan for"), DEPLOY_OPTIONS,
                   OPTION("delta", ARGUMENT_FLAG, "what is different from the plan that was approved last, alone")}},
    {.name = "deploy",
     .kind = VERB_ACTS,
     .role = ROLE_DEPLOYER,
     .scopes = SCOPE_ENVIRONMENT | SCOPE_BRANCH,
     .policy_flags = POLICY_DEPLOYS,
     .confirm = CONFIRM_KEY,
     .key = 'D',
     .hint = "deploy",
     .help = "Plan, wait at the gate, apply.",
     .manual = "Starts a run: prepare, plan, gate, apply, validate. A gate without rules opens by itself; else the run "
               "waits for approvals of the digest of its plan. A newer deploy of the same environment replaces one "
               "that nobody has approved yet.",
     .route = ROUTE_ENVIRONMENT,
     .audit = "deploy",
     .undo = "",
     .json = true,
     .wait = true,
     .dry_run = true,
     .arguments = {SUBJECT("environment|branch", ARGUMENT_BRANCH_OR_ENVIRONMENT, "where to deploy"), DEPLOY_OPTIONS}},
    {.name = "approve",
     .kind = VERB_ACTS,
     .role = ROLE_APPROVER,
     .scopes = SCOPE_GATE | SCOPE_ENVIRONMENT,
     .policy_flags = POLICY_ANSWERS_GATE,
     .confirm = CONFIRM_SUMMARY,
     .key = 'A',
     .hint = "approve",
     .help = "Approve the plan of a run that waits at its gate.",
     .manual =
         "An approval holds for exactly the digest it names, or for less. On a terminal the plan is shown and the "
         "answer asked; without one --digest is required, so that a script approves only what somebody saw.",
     .route = ROUTE_RUN,
     .audit = "approve",
     .undo = "",
     .json = true,
     .wait = true,
     .dry_run = true,
     .arguments = {SUBJECT("run", ARGUMENT_RUN, "the run, or the environment whose run waits"),
                   OPTION("digest", ARGUMENT_DIGEST, "the digest of the plan that was seen")}},
    {.name = "reject",
     .kind = VERB_ACTS,
     .role = ROLE_APPROVER,
     .scopes = SCOPE_GATE,
     .policy_flags = POLICY_ANSWERS_GATE,
     .confirm = CONFIRM_KEY,
     .key = 'C',
     .hint = "reject",
     .help = "Refuse the plan of a run that waits at its gate.",
     .manual = "The run ends as rejected; nothing was applied. Say why with --reason.",
     .route = ROUTE_RUN,
     .audit = "reject",
     .undo = "",
     .json = true,
     .dry_run = true,
     .arguments = {SUBJECT("run", ARGUMENT_RUN, "the run, or the environment whose run waits")}},
    {.name = "cancel",
     .kind = VERB_ACTS,
     .role = ROLE_DEPLOYER,
     .scopes = SCOPE_RUN | SCOPE_ENVIRONMENT | SCOPE_STEP,
     .policy_flags = POLICY_CANCELS,
     .confirm = CONFIRM_KEY,
     .key = 'C',
     .hint = "cancel",
     .help = "End a run: no further step starts, tools are asked to stop.",
     .manual =
         "Running tools get an interrupt first, with time to end cleanly. What is recorded as done stays. Asked again, it also ends a worker that does not answer.",
     .route = ROUTE_RUN,
     .audit = "cancel",
     .undo = "",
     .json = true,
     .wait = true,
     .dry_run = true,
     .arguments = {SUBJECT("run", ARGUMENT_RUN, "the run, or the environment whose run is meant")}},
    {.name = "undo",
     .kind = VERB_ACTS,
     .role = ROLE_DEPLOYER,
     .scopes = SCOPE_RUN | SCOPE_ENVIRONMENT,
     .policy_flags = POLICY_CANCELS,
     .confirm = CONFIRM_KEY,
     .key = 'Z',
     .hint = "undo",
     .help = "Take a destroy back that has touched nothing yet.",
     .manual = "Also one that a life's end or a gone branch began; it is not asked for again by itself for the same "
               "reason. Extend, hold or protect the environment to keep it. Once the first resource is being removed, "
               "cancel stops the rest.",
     .route = ROUTE_RUN,
     .audit = "undo",
     .undo = "",
     .json = true,
     .dry_run = true,
     .arguments = {SUBJECT("run", ARGUMENT_RUN, "the run, or the environment that is about to be destroyed")}},
    {.name = "retry",
     .kind = VERB_ACTS,
     .role = ROLE_DEPLOYER,
     .scopes = SCOPE_RUN | SCOPE_ENVIRONMENT | SCOPE_STEP,
     .policy_flags = POLICY_DEPLOYS,
     .confirm = CONFIRM_KEY,
     .key = 'R',
     .hint = "retry",
     .help = "Go on with a held run at its failed or interrupted steps.",
     .manual = "What is recorded as done is not repeated. The plan that was approved stays in force.",
     .route = ROUTE_RUN,
     .audit = "retry",
     .undo = "",
     .json = true,
     .wait = true,
     .dry_run = true,
     .arguments = {SUBJECT("run", ARGUMENT_RUN, "the run, or the environment whose run is meant")}},
    {.name = "destroy",
     .kind = VERB_ACTS,
     .role = ROLE_DEPLOYER,
     .scopes = SCOPE_ENVIRONMENT | SCOPE_BRANCH,
     .policy_flags = POLICY_DESTROYS,
     .confirm = CONFIRM_NAME,
     .key = 'X',
     .hint = "destroy",
     .help = "Remove every resource of an environment, in the reverse of their order.",
     .manual = "Asks for the environment's name. Without a terminal --confirm NAME is required; there is never a "
               "default yes. A permanent or protected environment also needs an approval.",
     .route = ROUTE_ENVIRONMENT,
     .audit = "destroy",
     .undo = "",
     .json = true,
     .wait = true,
     .dry_run = true,
     .arguments = {SUBJECT("environment", ARGUMENT_ENVIRONMENT, "what to destroy"),
                   OPTION("confirm", ARGUMENT_ENVIRONMENT, "the environment's name once more")}},
    {.name = "rollback",
     .kind = VERB_ACTS,
     .role = ROLE_DEPLOYER,
     .scopes = SCOPE_ENVIRONMENT,
     .policy_flags = POLICY_DEPLOYS,
     .confirm = CONFIRM_KEY,
     .key = 'B',
     .hint = "roll back",
     .help = "Deploy an earlier release again.",
     .manual = "Without --to: the last good release before the present one. It has a plan and a gate of its own; "
               "`rollback` in berth.yaml says when it may go without an approval. The commit that is left is not "
               "deployed by itself again until a newer one comes, or a person deploys it.",
     .route = ROUTE_ENVIRONMENT,
     .audit = "rollback",
     .undo = "",
     .json = true,
     .wait = true,
     .dry_run = true,
     .arguments = {SUBJECT("environment", ARGUMENT_ENVIRONMENT, "what to roll back"),
                   OPTION("to", ARGUMENT_TEXT, "the release, \"v3\"")}},
    {.name = "exec",
     .kind = VERB_ACTS,
     .role = ROLE_DEPLOYER,
     .scopes = SCOPE_ENVIRONMENT,
     .policy_flags = POLICY_READS,
     .confirm = CONFIRM_NONE,
     .hint = "run a tool",
     .help = "Run a command of the tool that made a resource, on its state.",
     .manual =
         "berth exec ENV -- terraform state list: in the module's folder at the commit that was applied, with its state, backend, "
         "variables and lock. What the tool says is printed as it comes, its exit status is berth's; ^C cancels the run. Commands that "
         "only read run at once (plan, output, show, state list, state show, state pull, validate, providers, graph, version). Any "
         "other changes the state: it waits at the gate for at least one approval, runs under the environment's lock, and what was "
         "planned before is planned again. apply, destroy and force-unlock are refused with the verb to use instead. `allow: commands` "
         "in berth.yaml narrows it. No shell is involved. The words are kept in the audit: write no secret there. A sensitive output "
         "is not printed: `output NAME` of one is refused, elsewhere its value is blotted out.",
     .route = ROUTE_ENVIRONMENT,
     .audit = "exec",
     .undo = "",
     .json = true,
     .dry_run = true,
     .arguments = {SUBJECT("environment", ARGUMENT_ENVIRONMENT, "in which environment"),
                   {.name = "command",
                    .type = ARGUMENT_REST,
                    .positional = true,
                    .required = true,
                    .repeated = true,
                    .help = "behind --: the tool and its arguments"},
                   OPTION("resource", ARGUMENT_TEXT, "which resource, where several are made with that tool")}},
    {.name = "unlock",
     .kind = VERB_ACTS,
     .role = ROLE_DEPLOYER,
     .scopes = SCOPE_ENVIRONMENT,
     .policy_flags = POLICY_READS,
     .confirm = CONFIRM_NONE,
     .hint = "release a lock",
     .help = "Show who holds the lock of a resource's state, and release it.",
     .manual =
         "Looks at the lock: its id, its holder, since when, for what. When the holder is proven dead (its process was berth's on this "
         "machine and runs no more) the lock is released at once. Else the run waits at the gate, with what is known of the lock in "
         "sight; exactly that lock is released once somebody approved it.",
     .route = ROUTE_ENVIRONMENT,
     .audit = "unlock",
     .undo = "",
     .json = true,
     .dry_run = true,
     .arguments = {SUBJECT("environment", ARGUMENT_ENVIRONMENT, "in which environment"),
                   OPTION("resource", ARGUMENT_TEXT, "whose state, where several have one"),
                   OPTION("lock", ARGUMENT_TEXT, "only the lock of this id")}},
    {.name = "extend",
     .kind = VERB_ACTS,
     .role = ROLE_DEPLOYER,
     .scopes = SCOPE_ENVIRONMENT,
     .confirm = CONFIRM_KEY,
     .key = 'T',
     .hint = "extend",
     .help = "Let an environment live longer.",
     .manual = "As often and as long as ttl in berth.yaml allows.",
     .route = ROUTE_ENVIRONMENT,
     .audit = "extend",
     .undo = "",
     .json = true,
     .dry_run = true,
     .arguments = {SUBJECT("environment", ARGUMENT_ENVIRONMENT, "which environment"),
                   SUBJECT("by", ARGUMENT_DURATION, "how much longer, \"2d\"")}},
    {.name = "hold",
     .kind = VERB_ACTS,
     .role = ROLE_DEPLOYER,
     .scopes = SCOPE_ENVIRONMENT,
     .confirm = CONFIRM_KEY,
     .key = 'L',
     .hint = "hold",
     .help = "Let nothing change an environment until the hold is lifted.",
     .manual = "Stops deploys and destroys by anybody, machines included. Ends by itself with --until.",
     .route = ROUTE_ENVIRONMENT,
     .audit = "hold",
     .undo = "unhold",
     .json = true,
     .dry_run = true,
     .arguments = {SUBJECT("environment", ARGUMENT_ENVIRONMENT, "which environment"),
                   OPTION("until", ARGUMENT_INSTANT, "an instant, or how long from now")}},
    {.name = "unhold",
     .kind = VERB_ACTS,
     .role = ROLE_DEPLOYER,
     .scopes = SCOPE_ENVIRONMENT,
     .confirm = CONFIRM_KEY,
     .hint = "lift hold",
     .help = "Lift the holds of an environment.",
     .manual = "Also lets go of kept evidence and of an excluded commit.",
     .route = ROUTE_ENVIRONMENT,
     .audit = "unhold",
     .undo = "hold",
     .json = true,
     .dry_run = true,
     .arguments = {SUBJECT("environment", ARGUMENT_ENVIRONMENT, "which environment")}},
    {.name = "protect",
     .kind = VERB_ACTS,
     .role = ROLE_DEPLOYER,
     .scopes = SCOPE_ENVIRONMENT | SCOPE_BRANCH,
     .confirm = CONFIRM_KEY,
     .hint = "protect",
     .help = "Let no machine destroy an environment, and nobody without an approval.",
     .manual = "Neither its life's end nor its branch's removes it; a person's destroy also needs an approval.",
     .route = ROUTE_ENVIRONMENT,
     .audit = "protect",
     .undo = "unprotect",
     .json = true,
     .dry_run = true,
     .arguments = {SUBJECT("environment", ARGUMENT_ENVIRONMENT, "which environment"),
                   OPTION("until", ARGUMENT_INSTANT, "an instant, or how long from now")}},
    {.name = "unprotect",
     .kind = VERB_ACTS,
     .role = ROLE_ADMIN,
     .scopes = SCOPE_ENVIRONMENT | SCOPE_BRANCH,
     .confirm = CONFIRM_KEY,
     .hint = "unprotect",
     .help = "Take an environment's protection away.",
     .manual = "What berth.yaml calls permanent stays so.",
     .route = ROUTE_ENVIRONMENT,
     .audit = "unprotect",
     .undo = "protect",
     .json = true,
     .dry_run = true,
     .arguments = {SUBJECT("environment", ARGUMENT_ENVIRONMENT, "which environment")}},
    {.name = "freeze",
     .kind = VERB_ACTS,
     .role = ROLE_ADMIN,
     .scopes = SCOPE_WORKSPACE,
     .confirm = CONFIRM_SUMMARY,
     .hint = "freeze",
     .help = "Let nothing change the environments of a tier for a time.",
     .manual = "Binds people and machines; --except names verbs that stay allowed. \"all\" means every tier.",
     .route = ROUTE_WORKSPACE,
     .audit = "freeze",
     .undo = "unfreeze",
     .json = true,
     .dry_run = true,
     .arguments =
         {SUBJECT("tier", ARGUMENT_TIER, "a tier, or all"),
          {.name = "until", .type = ARGUMENT_INSTANT, .required = true, .help = "an instant, or how long from now"},
          {.name = "except", .type = ARGUMENT_TEXT, .repeated = true, .help = "a verb that stays allowed"}}},
    {.name = "unfreeze",
     .kind = VERB_ACTS,
     .role = ROLE_ADMIN,
     .scopes = SCOPE_WORKSPACE,
     .confirm = CONFIRM_KEY,
     .hint = "unfreeze",
     .help = "End the freezes of a tier.",
     .manual = "A freeze that berth.yaml writes ends only there.",
     .route = ROUTE_WORKSPACE,
     .audit = "unfreeze",
     .undo = "freeze",
     .json = true,
     .dry_run = true,
     .arguments = {SUBJECT("tier", ARGUMENT_TIER, "a tier, or all")}},
    {.name = "stop-all",
     .kind = VERB_ACTS,
     .role = ROLE_ADMIN,
     .scopes = SCOPE_WORKSPACE,
     .confirm = CONFIRM_SUMMARY,
     .hint = "stop the machines",
     .help = "Stop everything that happens by itself: automatic deploys, ends of life, cleaner, schedules.",
     .manual = "People may still ask by hand. Ends with resume-all, or by itself with --until.",
     .route = ROUTE_WORKSPACE,
     .audit = "stop-all",
     .undo = "resume-all",
     .json = true,
     .dry_run = true,
     .arguments = {OPTION("until", ARGUMENT_INSTANT, "an instant, or how long from now"),
                   OPTION("tier", ARGUMENT_TIER, "only this tier")}},
    {.name = "resume-all",
     .kind = VERB_ACTS,
     .role = ROLE_ADMIN,
     .scopes = SCOPE_WORKSPACE,
     .confirm = CONFIRM_KEY,
     .hint = "let the machines go on",
     .help = "Let happen again by itself what stop-all stopped.",
     .manual = "What was missed meanwhile is looked at once, not once for each time it was missed.",
     .route = ROUTE_WORKSPACE,
     .audit = "resume-all",
     .undo = "stop-all",
     .json = true,
     .dry_run = true},

    /* --- what looks: tables of the store ------------------------------------------------------------------- */
    {.name = "envs",
     .kind = VERB_LOOKS,
     .role = ROLE_VIEWER,
     .scopes = SCOPE_WORKSPACE,
     .policy_flags = POLICY_READS,
     .hint = "environments",
     .help = "List environments: tier, status, branch, release, how long they live.",
     .manual = "What was last seen long ago is shown with its age.",
     .route = "GET /api/v1/environments",
     .audit = "",
     .undo = "",
     .json = true,
     .arguments = {OPTION("tier", ARGUMENT_TIER, "only this tier"),
                   {.name = "all", .type = ARGUMENT_FLAG, .help = "also those that were destroyed", .letter = 'a'}}},
    {.name = "env",
     .kind = VERB_LOOKS,
     .role = ROLE_VIEWER,
     .scopes = SCOPE_ENVIRONMENT,
     .policy_flags = POLICY_READS,
     .hint = "detail",
     .help = "Show one environment: resources, entrypoints, holds, runs.",
     .manual = "",
     .route = "GET /api/v1/environments/{name}",
     .audit = "",
     .undo = "",
     .json = true,
     .arguments = {SUBJECT("environment", ARGUMENT_ENVIRONMENT, "which environment")}},
    {.name = "branches",
     .kind = VERB_LOOKS,
     .role = ROLE_VIEWER,
     .scopes = SCOPE_WORKSPACE,
     .policy_flags = POLICY_READS,
     .hint = "branches",
     .help = "List branches, newest first, with the environment of each.",
     .manual = "",
     .route = "GET /api/v1/branches",
     .audit = "",
     .undo = "",
     .json = true,
     .arguments = {{.name = "limit", .type = ARGUMENT_NUMBER, .help = "at most so many, 0 for all", .letter = 'n'}}},
    {.name = "runs",
     .kind = VERB_LOOKS,
     .role = ROLE_VIEWER,
     .scopes = SCOPE_WORKSPACE | SCOPE_ENVIRONMENT,
     .policy_flags = POLICY_READS,
     .hint = "runs",
     .help = "List runs, newest first.",
     .manual =
         "With a run's number: that run, its plan, its gate and its steps. Where no berthd serves the workspace it says "
         "since when nobody works; in JSON \"served\" is false.",
     .route = "GET /api/v1/runs",
     .audit = "",
     .undo = "",
     .json = true,
     .arguments = {{.name = "environment|run",
                    .type = ARGUMENT_RUN,
                    .positional = true,
                    .help = "only of this environment, or this run in full"},
                   {.name = "limit", .type = ARGUMENT_NUMBER, .help = "at most so many, 0 for all", .letter = 'n'}}},
    {.name = "releases",
     .kind = VERB_LOOKS,
     .role = ROLE_VIEWER,
     .scopes = SCOPE_ENVIRONMENT,
     .policy_flags = POLICY_READS,
     .hint = "releases",
     .help = "List what an environment can go back to.",
     .manual = "",
     .route = "GET /api/v1/environments/{name}/releases",
     .audit = "",
     .undo = "",
     .json = true,
     .arguments = {SUBJECT("environment", ARGUMENT_ENVIRONMENT, "which environment")}},
    {.name = "graph",
     .kind = VERB_LOOKS,
     .role = ROLE_VIEWER,
     .scopes = SCOPE_ENVIRONMENT,
     .policy_flags = POLICY_READS,
     .hint = "graph",
     .help = "Print the graph of an environment's resources.",
     .manual = "",
     .route = "GET /api/v1/environments/{name}/graph",
     .audit = "",
     .undo = "",
     .json = true,
     .arguments = {SUBJECT("environment", ARGUMENT_ENVIRONMENT, "which environment"),
                   {.name = "format",
                    .type = ARGUMENT_CHOICE,
                    .choices = "text|dot|mermaid|json",
                    .help = "the form, text unless told"}}},
    {.name = "log",
     .kind = VERB_LOOKS,
     .role = ROLE_VIEWER,
     .scopes = SCOPE_RUN | SCOPE_STEP,
     .policy_flags = POLICY_READS,
     .hint = "log",
     .help = "Print the log of a run, or of one of its steps.",
     .manual = "With -f it follows until the run has ended. Text of tools is shown without its control characters.",
     .route = "GET /api/v1/runs/{number}/log",
     .audit = "",
     .undo = "",
     .json = true,
     .arguments = {SUBJECT("run[.step]", ARGUMENT_RUN_STEP, "\"17\" or \"17.apply.server\""),
                   {.name = "follow", .type = ARGUMENT_FLAG, .help = "go on until the run has ended", .letter = 'f'}}},
    {.name = "audit",
     .kind = VERB_LOOKS,
     .role = ROLE_VIEWER,
     .scopes = SCOPE_WORKSPACE | SCOPE_ENVIRONMENT,
     .policy_flags = POLICY_READS,
     .hint = "audit",
     .help = "List who did what, newest first; or verify the chain.",
     .manual =
         "Every entry holds the hash of the one before. \"audit verify\" walks the chain and names the first entry "
         "and column whose bytes do not fit. Where berth.yaml keeps the audit in git (notify, provider git), or with "
         "--against, it also fetches that ref with the program git, compares each run's record with the chain and the "
         "rows, and names the first difference with its entry, run and commit; runs that ended and are not there, and "
         "commits that the chain does not know. Exits 1 when anything differs.",
     .route = "GET /api/v1/audit",
     .audit = "",
     .undo = "",
     .json = true,
     .arguments = {{.name = "verify",
                    .type = ARGUMENT_CHOICE,
                    .positional = true,
                    .choices = "verify",
                    .help = "check the chain instead"},
                   OPTION("against", ARGUMENT_TEXT, "compare with the ref of this repository or URL"),
                   {.name = "local", .type = ARGUMENT_FLAG, .help = "verify the chain alone, ask no remote"},
                   OPTION("env", ARGUMENT_ENVIRONMENT, "only of this environment"),
                   {.name = "limit", .type = ARGUMENT_NUMBER, .help = "at most so many, 0 for all", .letter = 'n'}}},
    {.name = "why",
     .kind = VERB_LOOKS,
     .role = ROLE_VIEWER,
     .scopes = SCOPE_ENVIRONMENT | SCOPE_GATE | SCOPE_RUN,
     .policy_flags = POLICY_READS,
     .hint = "why",
     .help = "May I, and if not, why not: every rule with its line and what to do next.",
     .manual = "Exits 0 when you may, 3 when something is waited for, 4 when you may not.",
     .route = "GET /api/v1/environments/{name}/why",
     .audit = "",
     .undo = "",
     .json = true,
     .arguments = {SUBJECT("verb", ARGUMENT_TEXT, "what you would like to do"),
                   SUBJECT("environment", ARGUMENT_BRANCH_OR_ENVIRONMENT, "to which environment, or run")}},
    {.name = "changes",
     .kind = VERB_LOOKS,
     .role = ROLE_VIEWER,
     .scopes = SCOPE_ENVIRONMENT,
     .policy_flags = POLICY_READS,
     .hint = "what changed",
     .help = "Show what changed in an environment, newest first.",
     .manual =
         "Each change once: values that read the same as the one before are left out. With -f it goes on, a line a "
         "change in the order they came, over restarts of berthd.",
     .route = "GET /api/v1/environments/{name}/changes",
     .audit = "",
     .undo = "",
     .json = true,
     .arguments = {SUBJECT("environment", ARGUMENT_ENVIRONMENT, "which environment"),
                   OPTION("since", ARGUMENT_DURATION, "how far back, a day unless told"),
                   {.name = "follow", .type = ARGUMENT_FLAG, .help = "go on with what comes", .letter = 'f'}}},
    {.name = "find",
     .kind = VERB_LOOKS,
     .role = ROLE_VIEWER,
     .scopes = SCOPE_WORKSPACE,
     .policy_flags = POLICY_READS,
     .hint = "find",
     .help = "Find environments, branches, resources and runs by words.",
     .manual = "Every word must be in a name, subject or author; needs:NAME finds resources that need NAME.",
     .route = "GET /api/v1/find",
     .audit = "",
     .undo = "",
     .json = true,
     .arguments = {{.name = "words",
                    .type = ARGUMENT_REST,
                    .positional = true,
                    .required = true,
                    .repeated = true,
                    .help = "words, or needs:NAME"}}},

    /* --- what is done here -------------------------------------------------------------------------------- */
    {.name = "init",
     .kind = VERB_LOCAL,
     .role = ROLE_NONE,
     .hint = "init",
     .help = "Write a first berth.yaml, a template and the script it runs.",
     .manual = "Files that are there already are left alone.",
     .route = "",
     .audit = "",
     .undo = ""},
    {.name = "check",
     .kind = VERB_LOCAL,
     .role = ROLE_NONE,
     .hint = "check",
     .help = "Check berth.yaml and its templates; every problem with file, line and column.",
     .manual = "Exits 1 when there are errors; warnings alone do not hinder.",
     .route = "",
     .audit = "",
     .undo = "",
     .json = true,
     .arguments = {{.name = "folder", .type = ARGUMENT_TEXT, .positional = true, .help = "where berth.yaml lies"},
                   {.name = "schema",
                    .type = ARGUMENT_CHOICE,
                    .choices = "berth|template|berthd",
                    .help = "print the JSON Schema of such a file instead"}}},
    {.name = "demo",
     .kind = VERB_LOCAL,
     .role = ROLE_NONE,
     .hint = "demo",
     .help = "Make a workspace to play with and open the dashboard on it.",
     .manual =
         "A throwaway git repository with a dozen branches whose resources are real local things, and Terraform where "
         "terraform or tofu is installed. Some environments live already; one outlives its branch for three minutes; a "
         "branch has a commit that fails and is rolled back; staging waits at its gate. With --headless, or without a "
         "terminal, it plays the whole story and prints the tables: plan, approve, deploy, break, roll back, clean, "
         "destroy. --end ends what is left of demos: their berthd, the services that their environments started, their "
         "folders.",
     .route = "",
     .audit = "",
     .undo = "",
     .arguments = {{.name = "headless", .type = ARGUMENT_FLAG, .help = "play the story and print the tables"},
                   {.name = "end", .type = ARGUMENT_FLAG, .help = "end every demo in $TMPDIR, or the one in --folder"},
                   {.name = "folder",
                    .type = ARGUMENT_TEXT,
                    .help = "where to make it; a new folder in $TMPDIR unless told"}}},
    {.name = "doctor",
     .kind = VERB_LOCAL,
     .role = ROLE_NONE,
     .hint = "doctor",
     .help = "Say what is missing, and what to do about it.",
     .manual =
         "Looks at the tools, the terminal, the store (its place, size, free space, whether it is whole), the audit, "
         "berthd (since when, its version, what it stays for, its last error), the clock, the policy in force, locks, "
         "repositories and the last look of every observer. Exits 1 when something is missing.",
     .route = "",
     .audit = "",
     .undo = "",
     .json = true},
    {.name = "stop",
     .kind = VERB_LOCAL,
     .role = ROLE_NONE,
     .hint = "stop",
     .help = "Ask the berthd of this workspace to finish its steps and end.",
     .manual =
         "Running work is not disturbed: berthd starts no further step and ends when the last one has; which ones it waits "
         "for is said, and again when that changes. With --now it ends at once, its workers finish their steps without "
         "it, and the next berthd takes the results. It is started again by the next command that needs it.",
     .route = "",
     .audit = "",
     .undo = "",
     .arguments = {OPTION("timeout", ARGUMENT_DURATION, "how long to wait at most, 10m unless told; exit status 6"),
                   {.name = "now", .type = ARGUMENT_FLAG, .help = "do not wait for the steps that run"}}},
    {.name = "completion",
     .kind = VERB_LOCAL,
     .role = ROLE_NONE,
     .hint = "completion",
     .help = "Print the completion of a shell.",
     .manual =
         "bash: source <(berth completion bash). zsh: berth completion zsh > a folder of fpath/_berth. fish: berth "
         "completion fish | source.",
     .route = "",
     .audit = "",
     .undo = "",
     .arguments =
         {{.name = "shell", .type = ARGUMENT_CHOICE, .positional = true, .choices = "bash|zsh|fish", .help = "which"},
          {.name = "names",
           .type = ARGUMENT_CHOICE,
           .choices = "environments|branches|targets|runs",
           .help = "print these names instead, one a line"}}},
    {.name = "version",
     .kind = VERB_LOCAL,
     .role = ROLE_NONE,
     .hint = "version",
     .help = "Say the version.",
     .manual = "",
     .route = "",
     .audit = "",
     .undo = "",
     .json = true},
    {.name = "help",
     .kind = VERB_LOCAL,
     .role = ROLE_NONE,
     .hint = "help",
     .help = "Explain a verb, or list all of them.",
     .manual = "",
     .route = "",
     .audit = "",
     .undo = "",
     .arguments = {{.name = "verb", .type = ARGUMENT_TEXT, .positional = true, .help = "which verb"}}},
};

const struct verb_table verb_table = {all_verbs, sizeof all_verbs / sizeof *all_verbs};

static const struct verb_argument shared[] = {
    OPTION("reason", ARGUMENT_TEXT, "why; kept in the audit"),
    OPTION("key", ARGUMENT_TEXT, "the same key is taken once: a repeated call gets the first one's answer"),
    {.name = "dry-run", .type = ARGUMENT_FLAG, .help = "say what would happen and change nothing"},
    {.name = "wait", .type = ARGUMENT_FLAG, .help = "follow to the end", .letter = 'w'},
    OPTION("timeout", ARGUMENT_DURATION, "how long --wait waits at most"),
    {.name = "json", .type = ARGUMENT_FLAG, .help = "print JSON"},
    {.name = "verbose", .type = ARGUMENT_FLAG, .help = "say more; twice: trace", .letter = 'v'},
    {.name = "help", .type = ARGUMENT_FLAG, .help = "explain this verb", .letter = 'h'},
    {.name = NULL},
};

const struct verb_argument *shared_arguments(void)
{
    return shared;
}

bool has_shared(const struct verb *verb, const struct verb_argument *argument)
{
    if (text_equal(argument->name, "reason") || text_equal(argument->name, "key"))
        return verb->kind == VERB_ACTS;
    if (text_equal(argument->name, "dry-run"))
        return verb->dry_run;
    if (text_equal(argument->name, "wait") || text_equal(argument->name, "timeout"))
        return verb->wait;
    if (text_equal(argument->name, "json"))
        return verb->json;
    return true;
}

const struct verb *table_find(struct verb_table table, const char *name)
{
    for (size_t i = 0; i < table.count; i++) {
        if (text_equal(table.verbs[i].name, name))
            return &table.verbs[i];
    }
    return NULL;
}

const struct verb *verbs(size_t *count)
{
    *count = verb_table.count;
    return verb_table.verbs;
}

const struct verb *verb_named(const char *name)
{
    return table_find(verb_table, name);
}

const struct verb *verb_for_key(char key, enum verb_scope scope)
{
    for (size_t i = 0; i < verb_table.count && key != 0; i++) {
        if (verb_table.verbs[i].key == key && (verb_table.verbs[i].scopes & (unsigned)scope))
            return &verb_table.verbs[i];
    }
    return NULL;
}

const struct verb_argument *verb_argument_named(const struct verb *verb, const char *name)
{
    for (const struct verb_argument *argument = verb->arguments; argument->name != NULL; argument++) {
        if (text_equal(argument->name, name))
            return argument;
    }
    return NULL;
}

bool verb_is_about_run(const struct verb *verb)
{
    return verb->kind == VERB_ACTS && verb->arguments[0].name && verb->arguments[0].type == ARGUMENT_RUN;
}

bool verb_needs_environment(const struct verb *verb)
{
    return verb->kind == VERB_ACTS && verb->arguments[0].name && verb->arguments[0].type == ARGUMENT_ENVIRONMENT;
}
