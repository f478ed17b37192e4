/* SPDX-License-Identifier: ISC */
/*
 * A throwaway folder below $TMPDIR for a test's store.
 */
#ifndef TESTS_STORE_PLACE_H
#define TESTS_STORE_PLACE_H

/* Ended by place_remove. */
char *place_make(void);
/* Removes the folder and frees its name. */
void place_remove(char *folder);

#endif
