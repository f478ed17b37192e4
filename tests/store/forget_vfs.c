/* SPDX-License-Identifier: ISC */
/* A file layer for SQLite that knows what a power cut would leave. */
#include "forget_vfs.h"

#include "berth/base/file.h"
#include "berth/base/memory.h"
#include "berth/base/str.h"
#include "fill.h"

#include <sqlite3.h>
#include <stdlib.h>

struct pending { /* since the last sync: a write, or with bytes NULL a cut to `offset` */
    char *bytes;
    int64_t offset;
    size_t count;
};
struct image {
    char *name;
    struct str synced;
    VEC(struct pending) pending;
};
struct forget {
    sqlite3_vfs vfs, *real;
    VEC(struct image *) images;
    void (*before)(void *context);
    void *context;
};
struct file {
    sqlite3_file base;
    struct image *image; /* NULL: not kept (-shm, temporary) */
    struct forget *forget;
    sqlite3_file *real; /* follows in the same memory */
};

static struct file *file_of(sqlite3_file *file)
{
    return (struct file *)(void *)file;
}

static struct forget *forget_of(sqlite3_vfs *vfs)
{
    return vfs->pAppData;
}

static void pending_clear(struct image *image)
{
    for (size_t i = 0; i < image->pending.count; i++)
        free(image->pending.items[i].bytes);
    vec_clear(&image->pending);
}

static void apply(struct str *bytes, const struct pending *pending)
{
    size_t end = (size_t)pending->offset + pending->count;
    if (!pending->bytes) {
        if (bytes->length > end)
            str_cut(bytes, end);
        return;
    }
    if (bytes->length < end)
        str_add_fill(bytes, '\0', end - bytes->length);
    memcpy(bytes->data + pending->offset, pending->bytes, pending->count);
}

static int forget_read(sqlite3_file *file, void *bytes, int count, sqlite3_int64 offset)
{
    sqlite3_file *real = file_of(file)->real;
    return real->pMethods->xRead(real, bytes, count, offset);
}

static void tell(const struct file *file)
{
    if (file->image && file->forget->before)
        file->forget->before(file->forget->context);
}

static int forget_write(sqlite3_file *file, const void *bytes, int count, sqlite3_int64 offset)
{
    struct image *image = file_of(file)->image;
    sqlite3_file *real = file_of(file)->real;
    tell(file_of(file));
    if (image) {
        struct pending pending = {.bytes = mem_copy(bytes, (size_t)count), .offset = offset, .count = (size_t)count};
        vec_push(&image->pending, pending);
    }
    return real->pMethods->xWrite(real, bytes, count, offset);
}

static int forget_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    struct image *image = file_of(file)->image;
    sqlite3_file *real = file_of(file)->real;
    tell(file_of(file));
    if (image) {
        struct pending pending = {.offset = size};
        vec_push(&image->pending, pending);
    }
    return real->pMethods->xTruncate(real, size);
}

static int forget_sync(sqlite3_file *file, int flags)
{
    struct image *image = file_of(file)->image;
    (void)flags;
    tell(file_of(file));
    if (image) {
        for (size_t i = 0; i < image->pending.count; i++)
            apply(&image->synced, &image->pending.items[i]);
        pending_clear(image);
    }
    return SQLITE_OK; /* the real disk need not be bothered */
}

static int forget_close(sqlite3_file *file)
{
    sqlite3_file *real = file_of(file)->real;
    return real->pMethods ? real->pMethods->xClose(real) : SQLITE_OK;
}

static int forget_size(sqlite3_file *file, sqlite3_int64 *size)
{
    sqlite3_file *real = file_of(file)->real;
    return real->pMethods->xFileSize(real, size);
}

static int forget_lock(sqlite3_file *file, int level)
{
    sqlite3_file *real = file_of(file)->real;
    return real->pMethods->xLock(real, level);
}

static int forget_unlock(sqlite3_file *file, int level)
{
    sqlite3_file *real = file_of(file)->real;
    return real->pMethods->xUnlock(real, level);
}

static int forget_check(sqlite3_file *file, int *held)
{
    sqlite3_file *real = file_of(file)->real;
    return real->pMethods->xCheckReservedLock(real, held);
}

static int forget_control(sqlite3_file *file, int what, void *value)
{
    sqlite3_file *real = file_of(file)->real;
    return real->pMethods->xFileControl(real, what, value);
}

static int forget_sector(sqlite3_file *file)
{
    sqlite3_file *real = file_of(file)->real;
    return real->pMethods->xSectorSize(real);
}

static int forget_device(sqlite3_file *file)
{
    sqlite3_file *real = file_of(file)->real;
    return real->pMethods->xDeviceCharacteristics(real);
}

static int forget_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **at)
{
    sqlite3_file *real = file_of(file)->real;
    return real->pMethods->xShmMap(real, page, size, extend, at);
}

static int forget_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    sqlite3_file *real = file_of(file)->real;
    return real->pMethods->xShmLock(real, offset, count, flags);
}

static void forget_shm_barrier(sqlite3_file *file)
{
    sqlite3_file *real = file_of(file)->real;
    real->pMethods->xShmBarrier(real);
}

static int forget_shm_unmap(sqlite3_file *file, int remove)
{
    sqlite3_file *real = file_of(file)->real;
    return real->pMethods->xShmUnmap(real, remove);
}

static const sqlite3_io_methods forget_methods = {
    .iVersion = 2,
    .xClose = forget_close,
    .xRead = forget_read,
    .xWrite = forget_write,
    .xTruncate = forget_truncate,
    .xSync = forget_sync,
    .xFileSize = forget_size,
    .xLock = forget_lock,
    .xUnlock = forget_unlock,
    .xCheckReservedLock = forget_check,
    .xFileControl = forget_control,
    .xSectorSize = forget_sector,
    .xDeviceCharacteristics = forget_device,
    .xShmMap = forget_shm_map,
    .xShmLock = forget_shm_lock,
    .xShmBarrier = forget_shm_barrier,
    .xShmUnmap = forget_shm_unmap,
};

static struct image *image_of(struct forget *forget, const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    for (size_t i = 0; i < forget->images.count; i++)
        if (strcmp(forget->images.items[i]->name, name) == 0)
            return forget->images.items[i];
    struct image *image = mem_zero(1, sizeof *image);
    str_init(&image->synced);
    image->name = mem_strdup(name);
    vec_push(&forget->images, image);
    return image;
}

static int forget_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags, int *out_flags)
{
    struct forget *forget = forget_of(vfs);
    struct file *ours = file_of(file);
    bool kept = path && (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL));
    ours->forget = forget;
    ours->image = kept ? image_of(forget, path) : NULL;
    ours->real = (sqlite3_file *)(void *)(ours + 1);
    int code = forget->real->xOpen(forget->real, path, ours->real, flags, out_flags);
    file->pMethods = code == SQLITE_OK ? &forget_methods : NULL;
    return code;
}

static int forget_delete(sqlite3_vfs *vfs, const char *path, int sync)
{
    struct forget *forget = forget_of(vfs);
    struct image *image = image_of(forget, path);
    pending_clear(image);
    str_clear(&image->synced);
    return forget->real->xDelete(forget->real, path, sync);
}

struct forget *forget_new(const char *name)
{
    struct forget *forget = mem_zero(1, sizeof *forget);
    forget->real = sqlite3_vfs_find(NULL);
    forget->vfs = *forget->real;
    forget->vfs.zName = name;
    forget->vfs.pNext = NULL;
    forget->vfs.pAppData = forget;
    forget->vfs.szOsFile = (int)sizeof(struct file) + forget->real->szOsFile;
    forget->vfs.xOpen = forget_open;
    forget->vfs.xDelete = forget_delete;
    sqlite3_vfs_register(&forget->vfs, 0);
    return forget;
}

void forget_before_each_write(struct forget *forget, void (*before)(void *context), void *context)
{
    forget->before = before;
    forget->context = context;
}

void forget_free(struct forget *forget)
{
    sqlite3_vfs_unregister(&forget->vfs);
    for (size_t i = 0; i < forget->images.count; i++) {
        struct image *image = forget->images.items[i];
        pending_clear(image);
        vec_release(&image->pending);
        str_release(&image->synced);
        free(image->name);
        free(image);
    }
    vec_release(&forget->images);
    free(forget);
}

void forget_cut(struct forget *forget, const char *folder, enum forget_rest rest, uint64_t seed)
{
    struct dice dice = {seed};
    for (size_t i = 0; i < forget->images.count; i++) {
        const struct image *image = forget->images.items[i];
        struct str bytes = STR_INIT;
        str_add_bytes(&bytes, image->synced.data, image->synced.length);
        for (size_t p = 0; p < image->pending.count; p++)
            if (rest == FORGET_SOME && dice_roll(&dice, 2))
                apply(&bytes, &image->pending.items[p]);
        char *path = path_join(folder, image->name);
        bool written = file_replace(path, bytes.data, bytes.length, 0600, FILE_RELAXED, NULL);
        BUG_ON(!written);
        free(path);
        str_release(&bytes);
    }
}
