/* SPDX-License-Identifier: ISC */
/*
 * The repository of 100,000 packed branches that benchmarks list, and what git itself does with it. It is made once and kept in the working
 * directory. Whatever fails ends the program.
 */
#ifndef BENCH_REPOSITORY_H
#define BENCH_REPOSITORY_H

#include <stddef.h>
#include <stdint.h>

#define REPOSITORY_PATH "bench-branches.git"
#define REPOSITORY_BRANCHES 100000
#define REPOSITORY_WORKSPACE "bench"
#define REPOSITORY_NAME_SIZE 96

/* Makes it when it is not there: `main` with a policy, and branches below feature/. */
void repository_make(void);
/* The full name of a branch, 0 to REPOSITORY_BRANCHES - 2. */
const char *repository_ref(char name[REPOSITORY_NAME_SIZE], int number);
/* Moves some branches (repository_moved(0), (1), …) to commits of others; they become loose refs until repository_pack. */
int repository_moved(int number);
void repository_move(int count);
void repository_pack(void);
/* git for-each-ref with the fields that berth keeps, newest first; how long it took, in microseconds. */
int64_t repository_peer(void);
/* Runs git to its end, its input from a descriptor (-1: none); bytes that it said. */
size_t repository_git(const char *const *argv, int input);

#endif
