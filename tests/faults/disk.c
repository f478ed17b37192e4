/* SPDX-License-Identifier: ISC */
/* What a power cut leaves of a folder whose changes were all written down. */
#include "faults/disk.h"

#include "berth/base/file.h"
#include "berth/base/memory.h"
#include "berth/base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHANGES_LIMIT ((size_t)1 << 30)
#define SECTOR 512
#define NAMES_BACK 40 /* changes of names before the cut of which, by the seed, none to all have reached the disk */

struct node;
struct entry {
    char *name;
    struct node *node;
};
typedef VEC(struct entry) entry_list;
struct pending { /* since the last sync: a write, or with NULL a cut to `offset` */
    const char *bytes;
    int64_t offset;
    size_t count;
};
struct node {
    struct node *next, *parent; /* of all; of a folder */
    uint64_t inode;
    mode_t mode;
    bool folder;
    char *target;      /* of a symbolic link */
    struct str synced; /* of a file */
    VEC(struct pending) pending;
    entry_list now, later; /* of a folder: as everybody saw it, as a power cut leaves it */
};
struct disk {
    struct str text; /* of all changes */
    struct node *nodes, *root;
    enum disk_loss loss;
    uint64_t dice;
    size_t names, names_kept; /* changes of names seen; this many are on the disk anyway */
};

static uint64_t roll(struct disk *disk, uint64_t sides)
{
    disk->dice = disk->dice * 6364136223846793005u + 1442695040888963407u;
    return (disk->dice >> 33) % sides;
}

/* --- names ---------------------------------------------------------------------------------------------------------- */

static struct node *node_new(struct disk *disk, uint64_t inode, mode_t mode, bool folder)
{
    struct node *node = mem_zero(1, sizeof *node);
    *node = (struct node){.next = disk->nodes, .inode = inode, .mode = mode, .folder = folder, .synced = STR_INIT};
    disk->nodes = node;
    return node;
}

/* The newest: numbers are used again. */
static struct node *node_of(struct disk *disk, uint64_t inode)
{
    struct node *node = disk->nodes;
    while (node && node->inode != inode)
        node = node->next;
    return node;
}

static size_t find_name(const entry_list *list, const char *name)
{
    size_t at = 0;
    while (at < list->count && strcmp(list->items[at].name, name) != 0)
        at++;
    return at;
}

static void set_name(entry_list *list, const char *name, struct node *node)
{
    size_t at = find_name(list, name);
    if (at == list->count && node) {
        struct entry entry = {mem_strdup(name), node};
        vec_push(list, entry);
    } else if (node) {
        list->items[at].node = node;
    } else if (at < list->count) {
        free(list->items[at].name);
        list->items[at] = list->items[--list->count];
    }
}

static void copy_names(entry_list *to, const entry_list *from)
{
    for (size_t i = 0; i < to->count; i++)
        free(to->items[i].name);
    to->count = 0;
    for (size_t i = 0; i < from->count; i++)
        set_name(to, from->items[i].name, from->items[i].node);
}

/* The folder of a path; its last part into `name`. NULL: it was made by somebody who writes nothing down. */
static struct node *folder_of(struct disk *disk, const char *path, const char **name)
{
    struct node *folder = disk->root;
    for (const char *slash; folder && (slash = strchr(path, '/')); path = slash + 1) {
        char *part = path_printf("%.*s", (int)(slash - path), path);
        size_t at = find_name(&folder->now, part);
        folder = at < folder->now.count ? folder->now.items[at].node : NULL;
        free(part);
    }
    *name = path;
    return folder && folder->folder ? folder : NULL;
}

static void put_name(struct disk *disk, const char *path, struct node *node)
{
    const char *name;
    struct node *folder = folder_of(disk, path, &name);
    if (!folder)
        return;
    set_name(&folder->now, name, node);
    if (node && node->folder)
        node->parent = folder;
    if (++disk->names <= disk->names_kept)
        set_name(&folder->later, name, node);
}

static struct node *named(struct disk *disk, const char *path)
{
    const char *name;
    struct node *folder = folder_of(disk, path, &name);
    size_t at = folder ? find_name(&folder->now, name) : 0;
    return folder && at < folder->now.count ? folder->now.items[at].node : NULL;
}

/* --- contents --------------------------------------------------------------------------------------------------------- */

static void apply(struct str *bytes, const struct pending *pending, size_t count)
{
    size_t offset = (size_t)pending->offset;
    if (!pending->bytes) {
        if (bytes->length > offset)
            str_cut(bytes, offset);
        else
            str_add_fill(bytes, '\0', offset - bytes->length);
        return;
    }
    if (bytes->length < offset + count)
        str_add_fill(bytes, '\0', offset + count - bytes->length);
    memcpy(bytes->data + offset, pending->bytes, count);
}

static void sync_node(struct node *node)
{
    for (size_t i = 0; i < node->pending.count; i++)
        apply(&node->synced, &node->pending.items[i], node->pending.items[i].count);
    node->pending.count = 0;
    if (!node->folder)
        return;
    copy_names(&node->later, &node->now);
    for (struct node *above = node->parent, *below = node; above; below = above, above = above->parent)
        for (size_t i = 0; i < above->now.count; i++)
            if (above->now.items[i].node == below)
                set_name(&above->later, above->now.items[i].name, below);
}

/* Any of what was written since the last sync, cut at a sector now and then. */
static void survive(struct disk *disk, struct node *node)
{
    for (size_t i = 0; i < node->pending.count && disk->loss == DISK_LOSES_SOME; i++) {
        const struct pending *pending = &node->pending.items[i];
        size_t sectors = pending->count / SECTOR, count = pending->count;
        if (roll(disk, 2) == 0)
            continue;
        if (sectors > 0 && roll(disk, 4) == 0)
            count = roll(disk, sectors + 1) * SECTOR;
        apply(&node->synced, pending, count);
    }
}

/* --- the list of changes ------------------------------------------------------------------------------------------------ */

static void change_names(struct disk *disk, const struct disk_record *record, const char *text)
{
    const char *second = text + strlen(text) + 1;
    struct node *node;
    switch ((enum disk_change)record->change) {
    case DISK_CREATE:
        node = named(disk, text);
        if (node && node->inode == record->inode) /* two opened it at once, and both say that they made it */
            break;                                /* fall through */
    case DISK_MKDIR:
        put_name(disk, text, node_new(disk, record->inode, record->mode, record->change == DISK_MKDIR));
        break;
    case DISK_SYMLINK:
        node = node_new(disk, 0, 0777, false);
        node->target = mem_strdup(second);
        put_name(disk, text, node);
        break;
    case DISK_LINK: put_name(disk, second, named(disk, text)); break;
    case DISK_RENAME:
        node = named(disk, text);
        put_name(disk, second, node);
        disk->names--; /* one change: both names or none */
        put_name(disk, text, NULL);
        break;
    case DISK_REMOVE: put_name(disk, text, NULL); break;
    case DISK_WRITE:
    case DISK_CUT:
    case DISK_MODE:
    case DISK_SYNC: break;
    }
}

static void change_one(struct disk *disk, const struct disk_record *record, const char *text)
{
    struct node *node = node_of(disk, record->inode);
    struct pending pending = {text, record->offset, record->length};
    switch ((enum disk_change)record->change) {
    case DISK_CUT: pending.bytes = NULL; /* fall through */
    case DISK_WRITE:
        if (node)
            vec_push(&node->pending, pending);
        break;
    case DISK_SYNC:
        if (node)
            sync_node(node);
        break;
    case DISK_MODE:
        if (node)
            node->mode = record->mode;
        break;
    case DISK_CREATE:
    case DISK_RENAME:
    case DISK_LINK:
    case DISK_REMOVE:
    case DISK_MKDIR:
    case DISK_SYMLINK: change_names(disk, record, text); break;
    }
}

static bool is_of_names(uint32_t change)
{
    return change != DISK_WRITE && change != DISK_CUT && change != DISK_MODE && change != DISK_SYNC;
}

/* Calls change_one for all (count NULL), or counts those of names. A record cut off at the end was no change yet. */
static void go_through(struct disk *disk, size_t *count)
{
    struct disk_record record;
    for (size_t at = 0; at + sizeof record <= disk->text.length;) {
        memcpy(&record, disk->text.data + at, sizeof record);
        at += sizeof record;
        if (at + record.length > disk->text.length)
            return;
        if (count)
            *count += is_of_names(record.change);
        else
            change_one(disk, &record, disk->text.data + at);
        at += record.length;
    }
}

/* --- the folder afterwards ------------------------------------------------------------------------------------------------ */

static bool lay_out(struct disk *disk, struct node *folder, const char *path, struct error *error)
{
    bool laid = folder_make(path, 0700, error);
    for (size_t i = 0; laid && i < folder->later.count; i++) {
        struct node *node = folder->later.items[i].node;
        char *inside = path_join(path, folder->later.items[i].name);
        if (node->folder)
            laid = lay_out(disk, node, inside, error);
        else if (node->target)
            laid = symlink(node->target, inside) == 0 ||
                   error_errno(error, ERROR_IO, errno, "cannot make the link %s", inside);
        else
            laid = file_replace(inside, node->synced.data, node->synced.length, node->mode, FILE_RELAXED, error);
        free(inside);
    }
    return laid;
}

static void disk_release(struct disk *disk)
{
    for (struct node *node = disk->nodes, *next; node; node = next) {
        next = node->next;
        copy_names(&node->now, &(entry_list){0});
        copy_names(&node->later, &(entry_list){0});
        vec_release(&node->now);
        vec_release(&node->later);
        vec_release(&node->pending);
        str_release(&node->synced);
        free(node->target);
        free(node);
    }
    str_release(&disk->text);
}

bool disk_cut(const char *changes, const char *root, enum disk_loss loss, uint64_t seed, struct error *error)
{
    struct disk disk = {.text = STR_INIT, .loss = loss, .dice = seed};
    size_t names = 0;
    struct stat status;
    bool done = stat(root, &status) == 0 || error_errno(error, ERROR_IO, errno, "no folder %s", root);
    if (done && file_read(changes, CHANGES_LIMIT, &disk.text, error)) {
        disk.root = node_new(&disk, status.st_ino, 0700, true);
        go_through(&disk, &names);
        size_t lost = roll(&disk, NAMES_BACK);
        disk.names_kept = loss == DISK_LOSES_ALL || names < lost ? 0 : names - lost;
        go_through(&disk, NULL);
        for (struct node *node = disk.nodes; node; node = node->next)
            survive(&disk, node);
        done = folder_remove(root, error) && lay_out(&disk, disk.root, root, error);
    } else {
        done = false;
    }
    disk_release(&disk);
    return done;
}
