/* SPDX-License-Identifier: ISC */
/* A small HTTP server on loopback for the tests: a child process that answers by a script and writes down what it was asked. */
#ifndef BERTH_TESTS_PROVIDER_HTTP_SERVER_H
#define BERTH_TESTS_PROVIDER_HTTP_SERVER_H

#include <stddef.h>
#include <sys/types.h>

struct http_server {
    pid_t pid;
    int port;
    char *asked; /* the file with all requests, headers and bodies */
};
/* Each connection gets the next answer, the last one again and again. An answer is the whole text sent, or one of the words
 * "hang" (accepts, says nothing) and "close" (closes at once). Ends with NULL. */
void http_server_start(struct http_server *server, const char *folder, const char *const *answers);
void http_server_stop(struct http_server *server);
/* A port on loopback where nobody listens. */
int free_port(void);

#endif
