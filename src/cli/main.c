/* SPDX-License-Identifier: ISC */
/* The command line's beginning and end: options before the verb, the table of commands, the exit status. */
#include "berth/cli.h"

#include "cli/dispatch.h"
#include "cli/output.h"

#include "berth/base/log.h"
#include "berth/base/process.h"
#include "berth/ui.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *verb;
    cli_command *command;
} commands[] = {
    {"envs", cli_envs},
    {"env", cli_env},
    {"branches", cli_branches},
    {"runs", cli_runs},
    {"releases", cli_releases},
    {"graph", cli_graph},
    {"log", cli_log},
    {"audit", cli_audit},
    {"why", cli_why},
    {"changes", cli_changes},
    {"find", cli_find},
    {"init", cli_init},
    {"check", cli_check},
    {"demo", cli_demo},
    {"doctor", cli_doctor},
    {"stop", cli_stop},
    {"version", cli_version},
    {"help", cli_help},
    {"completion", cli_completion},
};

cli_command *dispatch(const struct verb *verb)
{
    if (verb->kind == VERB_ACTS)
        return cli_act;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (text_equal(commands[i].verb, verb->name))
            return commands[i].command;
    }
    return NULL;
}

/* What may stand before the verb; the dashboard's own options need none. */
struct options {
    const char *folder, *theme, *view;
    bool ascii, monochrome, read_only, version, help;
    int verbose;
};

/* `--name VALUE` or `--name=VALUE`; `*used` words were taken, 0: it is another option. */
static const char *value_of(const char *word, const char *name, const char *next, int *used)
{
    size_t length = strlen(name);

    *used = 0;
    if (text_equal(word, name) && next != NULL) {
        *used = 2;
        return next;
    }
    if (text_starts(word, name) && text_starts(name, "--") && word[length] == '=') {
        *used = 1;
        return word + length + 1;
    }
    return NULL;
}

static bool take_flag(struct options *options, const char *word)
{
    if (text_equal(word, "-v"))
        options->verbose++;
    else if (text_equal(word, "-vv"))
        options->verbose += 2;
    else if (text_equal(word, "--version"))
        options->version = true;
    else if (text_equal(word, "--help") || text_equal(word, "-h"))
        options->help = true;
    else if (text_equal(word, "--ascii"))
        options->ascii = true;
    else if (text_equal(word, "--monochrome"))
        options->monochrome = true;
    else if (text_equal(word, "--read-only"))
        options->read_only = true;
    else
        return false;
    return true;
}

/* Takes options up to the verb; `*first` is its place in argv. */
static bool take_options(struct options *options, int argc, char **argv, int *first, struct error *error)
{
    int i = 1;

    while (i < argc && argv[i][0] == '-') {
        const struct {
            const char *name;
            const char **value;
        } valued[] = {{"-C", &options->folder},
                      {"--workspace", &options->folder},
                      {"--theme", &options->theme},
                      {"--view", &options->view}};
        int used = 0;

        for (size_t k = 0; k < sizeof valued / sizeof *valued && used == 0; k++) {
            const char *value = value_of(argv[i], valued[k].name, i + 1 < argc ? argv[i + 1] : NULL, &used);

            if (used > 0)
                *valued[k].value = value;
        }
        if (used == 0 && take_flag(options, argv[i]))
            used = 1;
        if (used == 0) {
            error_set(error, ERROR_USAGE, "berth has no option %s", argv[i]);
            return error_hint(error, "berth --help lists what it has; options of a verb stand behind it");
        }
        i += used;
    }
    *first = i;
    return true;
}

/* The dashboard found that none serves: as at opening, unless ours or another's is coming up. */
static bool start_daemon(void *context, struct error *error)
{
    struct cli *cli = context;
    int status;

    if ((cli->daemon.pid > 0 && !process_poll(&cli->daemon, &status)) || daemon_runs(cli->store_folder))
        return true;
    return daemon_start(cli, error);
}

static bool open_dashboard(struct cli *cli, const struct options *options, int *status, struct error *error)
{
    struct ui_options ui = {
        .theme = options->theme,
        .view = options->view,
        .ascii = options->ascii,
        .monochrome = options->monochrome,
        .read_only = options->read_only,
        .start_daemon = start_daemon,
        .context = cli,
    };

    if (!cli->terminal || isatty(STDIN_FILENO) != 1) {
        error_set(error, ERROR_USAGE, "the dashboard needs a terminal");
        return error_hint(error, "berth envs prints a table; berth help lists what else there is");
    }
    if (!session_open(cli, STORE_READER, SESSION_SERVE, error))
        return false;
    session_close(cli); /* the dashboard opens its own */
    ui.store_folder = cli->store_folder;
    ui.workspace = cli->workspace;
    ui.repository = cli->repository;
    *status = ui_dashboard(&ui, error);
    return *status == 0;
}

bool cli_dashboard(struct cli *cli, int *status, struct error *error)
{
    const struct options options = {0};

    return open_dashboard(cli, &options, status, error);
}

static bool run_call(struct cli *cli, int argc, char **argv, int *status, struct error *error)
{
    struct str text = STR_INIT;

    if (!call_parse(argc, argv, &cli->arena, &cli->call, error))
        return false;
    if (!cli->call.help)
        return dispatch(cli->call.verb)(cli, status, error);
    verb_help(cli->call.verb, &text);
    fputs(shown_lines(cli, text.data), stdout);
    str_release(&text);
    return true;
}

static void release(struct cli *cli)
{
    session_close(cli);
    daemon_forget(cli);
    json_decref(cli->call.arguments);
    arena_release(&cli->arena);
}

/* Ends a run: prints what failed, says the exit status. */
static int finish(struct cli *cli, bool done, int status, const struct error *error)
{
    if (!done) {
        int code = error_info(error->code)->exit_status;

        say_error(cli, error);
        status = code != 0 ? code : 1;
    }
    if (fflush(stdout) != 0 || ferror(stdout))
        status = status == 0 ? 1 : status;
    release(cli);
    return status;
}

int run_words(const char *folder, int argc, char **argv)
{
    struct cli cli = {.folder = folder};
    struct error error = {0};
    int status = 0;
    bool done;

    output_setup(&cli);
    done = run_call(&cli, argc, argv, &status, &error);
    return finish(&cli, done, status, &error);
}

static bool run(struct cli *cli, const struct options *options, int argc, char **argv, int *status, struct error *error)
{
    struct str text = STR_INIT;

    if (options->version)
        return cli_version(cli, status, error);
    if (options->help) {
        verbs_overview(&text);
        fputs(shown_lines(cli, text.data), stdout);
        str_release(&text);
        return true;
    }
    return argc > 0 ? run_call(cli, argc, argv, status, error) : open_dashboard(cli, options, status, error);
}

int cli_main(int argc, char **argv)
{
    const char *folder = getenv("BERTH_WORKSPACE");
    struct options options = {0};
    struct cli cli = {0};
    struct error error = {0};
    int status = 0, first = argc;
    bool done;

    process_endure(PROCESS_SIZES); /* one who reads no more of what it prints ends it, as is usual */
    setlocale(LC_ALL, "");
    output_setup(&cli);
    done = take_options(&options, argc, argv, &first, &error);
    cli.folder = options.folder != NULL ? options.folder : text_empty(folder) ? "." : folder;
    cli.verbose = options.verbose;
    log_setup(STDERR_FILENO,
              options.verbose > 1   ? LOG_TRACE
              : options.verbose > 0 ? LOG_INFO
                                    : LOG_WARNING,
              getenv("BERTH_TRACE"));
    done = done && run(&cli, &options, argc - first, argv + first, &status, &error);
    return finish(&cli, done, status, &error);
}
