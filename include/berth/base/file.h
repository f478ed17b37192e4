/* SPDX-License-Identifier: ISC */
/*
 * Files and folders. Every descriptor opened here is close-on-exec. Paths in messages are shown as given.
 */
#ifndef BERTH_BASE_FILE_H
#define BERTH_BASE_FILE_H

#include "berth/base/error.h"
#include "berth/base/str.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Appends the whole file; more than `limit` bytes is ERROR_LIMIT, a missing file ERROR_NOT_FOUND. */
bool file_read(const char *path, size_t limit, struct str *out, struct error *error) BERTH_MUST_CHECK;
enum file_durability { FILE_RELAXED, FILE_SYNCED };
/* Writes a temporary file beside it and renames; FILE_SYNCED also syncs file and folder. */
bool file_replace(const char *path, const void *bytes, size_t count, mode_t mode, enum file_durability durability,
                  struct error *error) BERTH_MUST_CHECK;
/* Syncs the folder that holds `path`: its name is there after a power cut. */
bool file_sync_name(const char *path, struct error *error) BERTH_MUST_CHECK;
/* Writes all bytes, going on after short writes and EINTR. */
bool file_write_all(int fd, const void *bytes, size_t count, struct error *error) BERTH_MUST_CHECK;
bool file_exists(const char *path);
bool folder_exists(const char *path);
/* mkdir -p; new folders get `mode`. */
bool folder_make(const char *path, mode_t mode, struct error *error) BERTH_MUST_CHECK;
/* rm -r without following links; missing is fine. */
bool folder_remove(const char *path, struct error *error) BERTH_MUST_CHECK;
/* Syncs the folder and everything below it: a power cut takes nothing of that. Links are not followed. */
bool folder_sync(const char *path, struct error *error) BERTH_MUST_CHECK;
/* The names in it (without . and ..), sorted, each freed by the caller with vec items; see folder_list_free. */
struct folder_list {
    char **names;
    size_t count;
};
bool folder_list(const char *path, struct folder_list *list, struct error *error) BERTH_MUST_CHECK;
void folder_list_free(struct folder_list *list);
/* Joins with one '/'; an absolute `name` replaces. The caller frees. */
char *path_join(const char *folder, const char *name) BERTH_MUST_CHECK;
char *path_printf(const char *format, ...) BERTH_PRINTF(1, 2) BERTH_MUST_CHECK;
/* True when the relative path stays inside its root: not absolute, no "..", no NUL, not empty. */
bool path_inside(const char *relative);
/* The canonical absolute path, or NULL with ERROR_NOT_FOUND/ERROR_IO. The caller frees. */
char *path_canonical(const char *path, struct error *error) BERTH_MUST_CHECK;
/* $XDG_STATE_HOME/berth (or ~/.local/state/berth); $XDG_CONFIG_HOME/berth. The caller frees. */
char *path_state_home(struct error *error) BERTH_MUST_CHECK;
char *path_config_home(struct error *error) BERTH_MUST_CHECK;
/* ERROR_DENIED when it is a link, another user's, or open to anybody else: what lies there would not be ours alone. */
bool folder_is_private(const char *path, struct error *error) BERTH_MUST_CHECK;
/* ERROR_UNSUPPORTED when the folder lies on a network file system (nfs, cifs, smb, 9p, fuse.sshfs, afs, ceph, lustre, gpfs, …), with
 * its name. In builds with BERTH_FAULTS, BERTH_FSTYPE names one to pretend. */
bool folder_is_local(const char *path, struct error *error) BERTH_MUST_CHECK;

/* An advisory lock on a whole file (open file description lock: F_OFD_SETLK), released by file_unlock or when the process ends. */
struct file_lock {
    int fd; /* -1: not held */
};
enum lock_wait { LOCK_TRY, LOCK_BLOCK };
/* Opens (0600, makes it) and locks. LOCK_TRY and somebody holds it: ERROR_CONFLICT. LOCK_BLOCK waits, EINTR goes on. */
bool file_lock(struct file_lock *lock, const char *path, enum lock_wait wait, struct error *error) BERTH_MUST_CHECK;
/* Waits at most `limit_ms` in the queue of LOCK_BLOCK: then ERROR_CONFLICT that names the holder, and that a retry may help. */
bool file_lock_within(struct file_lock *lock, const char *path, int64_t limit_ms, struct error *error) BERTH_MUST_CHECK;
/* Who holds it: "process 4711 (berthd), which is stopped"; "somebody" where this system does not tell. Reads /proc: only for who waits long. */
void file_lock_holder(const char *path, struct str *out);
void file_unlock(struct file_lock *lock);
/* The same for a folder itself, which nobody can take away while what lies in it is the same: another kind of lock (flock), seen by nobody but folder_lock. Tries
 * for at most `limit_ms`, then ERROR_CONFLICT. Released by file_unlock. */
bool folder_lock(struct file_lock *lock, const char *path, int64_t limit_ms, struct error *error) BERTH_MUST_CHECK;
/* The same, but any number may share it; nobody has it alone meanwhile. */
bool folder_share(struct file_lock *lock, const char *path, int64_t limit_ms, struct error *error) BERTH_MUST_CHECK;
/* Whether the path still names what is locked. */
bool file_lock_is_at(const struct file_lock *lock, const char *path);
/* True when somebody (not this lock) holds it now. */
bool file_locked(const char *path);

#endif
