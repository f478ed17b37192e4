/* SPDX-License-Identifier: ISC */
/* Tells folders on this machine's own file systems from those on a network, where locks and SQLite cannot be trusted. */
#include "berth/base/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#define MOUNTS_LIMIT ((size_t)16 << 20)
#define FUSE_MAGIC 0x65735546L

static const struct network_type {
    long magic;
    const char *name;
} network_types[] = {
    {0x6969L, "nfs"},        {0x517bL, "smb"},        {0xff534d42L, "cifs"},   {0xfe534d42L, "smb2"},
    {0x01021997L, "9p"},     {0x5346414fL, "afs"},    {0x6b414653L, "afs"},    {0x00c36400L, "ceph"},
    {0x0bd00bd0L, "lustre"}, {0x47504653L, "gpfs"},   {0x73757245L, "coda"},   {0x564cL, "ncp"},
    {0x01161970L, "gfs2"},   {0x7461636fL, "ocfs2"},  {0xaad7aaeaL, "panfs"},  {0x20030528L, "orangefs"},
    {0x19830326L, "fhgfs"},  {0x786f4256L, "vboxsf"}, {0xbacbacbcL, "vmhgfs"},
};

/* Of FUSE only these are on this machine for certain; every other one may be a network. */
static const char *const local_fuse[] = {"fuseblk",        "fuse.ext4",    "fuse.ext2",    "fuse.fuse-overlayfs",
                                         "fuse.bindfs",    "fuse.zfs",     "fuse.ntfs-3g", "fuse.encfs",
                                         "fuse.gocryptfs", "fuse.mergerfs"};

/* Field `number` (from 0) of a line whose fields are parted by one space. */
static const char *field(const char *line, size_t number, size_t *length)
{
    for (; number > 0 && *line; number--) {
        line += strcspn(line, " \n");
        line += *line == ' ';
    }
    *length = strcspn(line, " \n");
    return line;
}

/* The type of the file system with this device number, as in /proc/self/mountinfo; "" when it is not listed. */
static void type_of_device(dev_t device, char *type, size_t size)
{
    struct str mounts = STR_INIT;
    type[0] = '\0';
    if (file_read("/proc/self/mountinfo", MOUNTS_LIMIT, &mounts, NULL)) {
        char wanted[32];
        struct str number = STR_INIT;
        str_addf(&number, "%u:%u", major(device), minor(device));
        text_copy(wanted, sizeof wanted, number.data);
        str_release(&number);
        for (char *line = mounts.data; *line; line += strcspn(line, "\n"), line += *line == '\n') {
            size_t length;
            const char *found = field(line, 2, &length), *dash = strstr(line, " - ");
            if (!dash || length != strlen(wanted) || memcmp(found, wanted, length) != 0)
                continue;
            const char *name = field(dash + 3, 0, &length);
            if (length < size) {
                memcpy(type, name, length);
                type[length] = '\0';
            }
        }
    }
    str_release(&mounts);
}

static bool is_network_name(const char *type)
{
    if (text_starts(type, "fuse")) {
        for (size_t i = 0; i < sizeof local_fuse / sizeof *local_fuse; i++) {
            if (text_equal(type, local_fuse[i]))
                return false;
        }
        return true;
    }
    if (text_equal(type, "nfs4") || text_equal(type, "smbfs") || text_equal(type, "smb3") || text_equal(type, "beegfs"))
        return true;
    for (size_t i = 0; i < sizeof network_types / sizeof *network_types; i++) {
        if (text_equal(type, network_types[i].name))
            return true;
    }
    return false;
}

static bool refuse(const char *path, const char *type, struct error *error)
{
    error_set(error, ERROR_UNSUPPORTED, "%s lies on a network file system", path);
    error_detail(error, "its type is %s, on which locks and shared memory cannot be trusted", type);
    return error_hint(error, "choose a folder on a disk of this machine");
}

bool folder_is_local(const char *path, struct error *error)
{
#ifdef BERTH_FAULTS
    const char *pretended = getenv("BERTH_FSTYPE");
    if (!text_empty(pretended))
        return !is_network_name(pretended) || refuse(path, pretended, error);
#endif
    struct statfs system;
    struct stat status;
    if (statfs(path, &system) != 0 || stat(path, &status) != 0)
        return error_errno(error, errno == ENOENT ? ERROR_NOT_FOUND : ERROR_IO, errno, "cannot look at %s", path);
    long magic = (long)((unsigned long)system.f_type & 0xffffffffUL);
    for (size_t i = 0; i < sizeof network_types / sizeof *network_types; i++) {
        if (network_types[i].magic == magic)
            return refuse(path, network_types[i].name, error);
    }
    if (magic != FUSE_MAGIC)
        return true;
    char type[64];
    type_of_device(status.st_dev, type, sizeof type);
    return !is_network_name(type[0] ? type : "fuse") || refuse(path, type[0] ? type : "fuse", error);
}
