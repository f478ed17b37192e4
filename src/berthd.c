/* SPDX-License-Identifier: ISC */
/* The main of berthd: reads its command line, becomes the supervisor of one store, or one of its children. */
#include "berth/agent.h"
#include "berth/base/process.h"
#include "berth/base/error.h"
#include "berth/base/file.h"
#include "berth/base/log.h"
#include "berth/base/str.h"
#include "berth/base/time.h"
#include "berth/config.h"
#include "berth/store_trouble.h"

#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOST_CONFIG_LIMIT (1u << 20)

static const char usage[] = "usage: berthd --store FOLDER --repository PATH_OR_URL --workspace NAME\n"
                            "              [--config FILE] [--foreground] [-v]… | --version\n";

struct arguments {
    struct agent_options options;
    const char *child, *config;
    bool foreground;
    int verbose;
};

static bool parse(int argc, char **argv, struct arguments *arguments)
{
    static const struct option options[] = {
        {"store", required_argument, NULL, 's'},
        {"repository", required_argument, NULL, 'r'},
        {"workspace", required_argument, NULL, 'w'},
        {"config", required_argument, NULL, 'c'},
        {"child", required_argument, NULL, 'C'},
        {"foreground", no_argument, NULL, 'f'},
        {"verbose", no_argument, NULL, 'v'},
        {"version", no_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    for (int option; (option = getopt_long(argc, argv, "v", options, NULL)) != -1;) {
        switch (option) {
        case 's': arguments->options.store_folder = optarg; break;
        case 'r': arguments->options.repository = optarg; break;
        case 'w': arguments->options.workspace = optarg; break;
        case 'c': arguments->config = optarg; break;
        case 'C': arguments->child = optarg; break;
        case 'f': arguments->foreground = true; break;
        case 'v': arguments->verbose++; break;
        case 'V': exit(printf("berthd %s\n", PACKAGE_VERSION) < 0);
        case 'h': exit(fputs(usage, stdout) < 0);
        default: return false;
        }
    }
    return optind == argc && arguments->options.store_folder && arguments->options.repository &&
           arguments->options.workspace;
}

static struct host_config *read_host_config(const char *file, struct error *error)
{
    struct str text = STR_INIT;
    struct arena arena = {0};
    struct problems problems;
    if (!file)
        return host_config_default();
    problems_init(&problems, &arena);
    struct host_config *host = NULL;
    if (file_read(file, HOST_CONFIG_LIMIT, &text, error) &&
        !(host = host_config_load(file, text.data, text.length, &problems)))
        problems_error(&problems, error);
    problems_release(&problems);
    arena_release(&arena);
    str_release(&text);
    return host;
}

/* In the background diagnostics go to a file beside the store; children inherit it as their standard error. */
static bool open_log(const struct arguments *arguments, struct error *error)
{
    if (!arguments->foreground && !arguments->child) {
        char *path = path_printf("%s/berthd.log", arguments->options.store_folder);
        bool made = folder_make(arguments->options.store_folder, 0700, error);
        int fd = made ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
        free(path);
        if (fd < 0)
            return made ? error_set(error, ERROR_IO, "cannot open berthd.log in %s", arguments->options.store_folder)
                        : false;
        dup2(fd, STDERR_FILENO);
        close(fd);
    }
    log_setup(STDERR_FILENO,
              arguments->verbose > 1    ? LOG_TRACE
              : arguments->verbose == 1 ? LOG_INFO
                                        : LOG_WARNING,
              getenv("BERTH_TRACE"));
    return true;
}

int main(int argc, char **argv)
{
    struct arguments arguments = {.verbose = 0};
    struct error error = {0};
    char program[4096] = "";
    process_endure(PROCESS_PIPES);
    if (!parse(argc, argv, &arguments)) {
        fputs(usage, stderr);
        return error_info(ERROR_USAGE)->exit_status;
    }
    if (readlink("/proc/self/exe", program, sizeof program - 1) < 0)
        text_copy(program, sizeof program, argv[0]);
    arguments.options.program = program;
    struct host_config *host = open_log(&arguments, &error) ? read_host_config(arguments.config, &error) : NULL;
    arguments.options.host = host;
    int status = !host             ? error_info(error.code)->exit_status
                 : arguments.child ? agent_child(arguments.child, &arguments.options, &error)
                                   : agent_supervise(&arguments.options, &error);
    if (error.code != ERROR_NONE) {
        char line[2200];
        log_error("berthd", LOG_ERROR, &error);
        if (!arguments.child && error.code != ERROR_CONFLICT) /* that another one serves is no trouble */
            trouble_note(arguments.options.store_folder, &error, time_now_ms());
        if (arguments.foreground)
            fprintf(stderr, "berthd: %s\n", error_line(&error, line, sizeof line));
    }
    host_config_free(host);
    return status;
}
