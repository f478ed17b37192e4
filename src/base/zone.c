/* SPDX-License-Identifier: ISC */
/* Time zones from TZif files (RFC 8536), and calendar times in them. */
#include "base/calendar.h"
#include "base/posix_zone.h"
#include "berth/base/file.h"
#include "berth/base/memory.h"

#include <stdlib.h>
#include <string.h>

#define ZONE_FILE_LIMIT ((size_t)1 << 20)
#define HEADER_SIZE 44
#define OFFSET_MOST_S 93600 /* 26 hours: RFC 8536's own bound */
#define DAY_S INT64_C(86400)

struct transition {
    int64_t at_s;
    int offset_s; /* from then on */
};
struct zone {
    char *name;
    int first_offset_s; /* before the first transition */
    struct transition *transitions;
    size_t count;
    bool has_rule; /* after the last transition */
    struct posix_zone rule;
};

struct counts { /* of a TZif data block */
    uint32_t universal, standard, leaps, transitions, types, characters;
};

static uint32_t get_u32(const unsigned char *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static int64_t get_time(const unsigned char *at, size_t size)
{
    if (size == 4)
        return (int32_t)get_u32(at);
    return (int64_t)((uint64_t)get_u32(at) << 32 | get_u32(at + 4));
}

static bool read_header(const unsigned char *at, size_t left, struct counts *counts)
{
    if (left < HEADER_SIZE || memcmp(at, "TZif", 4) != 0)
        return false;
    uint32_t numbers[6];
    for (size_t i = 0; i < 6; i++) {
        numbers[i] = get_u32(at + 20 + 4 * i);
        if (numbers[i] > ZONE_FILE_LIMIT)
            return false;
    }
    *counts = (struct counts){numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5]};
    return counts->types >= 1 && counts->types <= 256;
}

static size_t block_size(const struct counts *counts, size_t time_size)
{
    return counts->transitions * (time_size + 1) + (size_t)counts->types * 6 + counts->characters +
           counts->leaps * (time_size + 4) + counts->standard + counts->universal;
}

/* The data block at `at`, which is all there. NULL, or what is wrong with it. */
static const char *read_block(struct zone *zone, const unsigned char *at, const struct counts *counts, size_t time_size)
{
    if (counts->leaps)
        return "it counts leap seconds";
    const unsigned char *indexes = at + counts->transitions * time_size, *types = indexes + counts->transitions;
    zone->transitions = mem_zero(counts->transitions, sizeof *zone->transitions);
    zone->count = counts->transitions;
    for (size_t i = 0; i <= zone->count; i++) {
        size_t type = i < zone->count ? indexes[i] : 0;
        if (type >= counts->types)
            return "a transition names a type that is not there";
        int32_t offset_s = (int32_t)get_u32(types + 6 * type);
        if (offset_s > OFFSET_MOST_S || offset_s < -OFFSET_MOST_S)
            return "an offset is over 26 hours";
        if (i == zone->count) {
            zone->first_offset_s = offset_s;
            break;
        }
        zone->transitions[i] = (struct transition){get_time(at + i * time_size, time_size), offset_s};
        if (i > 0 && zone->transitions[i].at_s <= zone->transitions[i - 1].at_s)
            return "its transitions are not in order";
    }
    return NULL;
}

static const char *read_rule(struct zone *zone, const unsigned char *at, size_t left)
{
    const unsigned char *end = left > 1 && *at == '\n' ? memchr(at + 1, '\n', left - 1) : NULL;
    if (!end)
        return "its last line is missing";
    char *text = mem_zero((size_t)(end - at), 1);
    memcpy(text, at + 1, (size_t)(end - at) - 1);
    zone->has_rule = *text != '\0';
    bool good = !zone->has_rule || posix_zone_parse(text, &zone->rule);
    free(text);
    return good ? NULL : "its last line is no rule";
}

static const char *read_file(struct zone *zone, const unsigned char *bytes, size_t count)
{
    static const char cut[] = "it is cut short or no time zone file";
    struct counts counts;
    if (count > ZONE_FILE_LIMIT || !read_header(bytes, count, &counts))
        return cut;
    size_t size = block_size(&counts, 4), left = count - HEADER_SIZE;
    if (left < size)
        return cut;
    if (bytes[4] == '\0')
        return read_block(zone, bytes + HEADER_SIZE, &counts, 4);
    const unsigned char *second = bytes + HEADER_SIZE + size; /* version 2 and up: all again with 64 bits */
    left -= size;
    if (!read_header(second, left, &counts))
        return cut;
    size = block_size(&counts, 8);
    left -= HEADER_SIZE;
    if (left < size)
        return cut;
    const char *wrong = read_block(zone, second + HEADER_SIZE, &counts, 8);
    return wrong ? wrong : read_rule(zone, second + HEADER_SIZE + size, left - size);
}

struct zone *zone_parse(const char *name, const void *bytes, size_t count, struct error *error)
{
    struct zone *zone = mem_zero(1, sizeof *zone);
    zone->name = mem_strdup(name);
    const char *wrong = read_file(zone, bytes, count);
    if (!wrong)
        return zone;
    error_set(error, ERROR_CONFIG, "cannot read the time zone %s", name);
    error_detail(error, "%s", wrong);
    zone_free(zone);
    return NULL;
}

static bool is_zone_name(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-/";
    return *name && *name != '/' && !name[strspn(name, allowed)] && strlen(name) < 64;
}

struct zone *zone_load(const char *name, struct error *error)
{
    if (text_equal(name, "UTC")) {
        struct zone *zone = mem_zero(1, sizeof *zone);
        zone->name = mem_strdup(name);
        return zone;
    }
    struct str bytes = STR_INIT;
    struct zone *zone = NULL;
    const char *folder = getenv("TZDIR");
    char *path = path_join(folder && *folder == '/' ? folder : "/usr/share/zoneinfo", name ? name : "");
    if (name && is_zone_name(name) && file_read(path, ZONE_FILE_LIMIT, &bytes, NULL)) {
        zone = zone_parse(name, bytes.data, bytes.length, error);
    } else {
        error_set(error, ERROR_CONFIG, "there is no time zone \"%s\"", name ? name : "");
        error_hint(error, "write UTC or a name of the tz database such as Europe/Berlin");
    }
    free(path);
    str_release(&bytes);
    return zone;
}

void zone_free(struct zone *zone)
{
    if (!zone)
        return;
    free(zone->transitions);
    free(zone->name);
    free(zone);
}

const char *zone_name(const struct zone *zone)
{
    return zone ? zone->name : "UTC";
}

static int offset_at(const struct zone *zone, int64_t at_s)
{
    if (!zone)
        return 0;
    if (zone->has_rule && (!zone->count || at_s >= zone->transitions[zone->count - 1].at_s))
        return posix_zone_offset(&zone->rule, at_s);
    size_t low = 0, high = zone->count; /* how many transitions lie at or before the instant */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (zone->transitions[middle].at_s <= at_s)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? zone->transitions[low - 1].offset_s : zone->first_offset_s;
}

int zone_offset_s(const struct zone *zone, int64_t at_ms)
{
    return offset_at(zone, floor_divide(at_ms, 1000));
}

struct civil civil_from_instant(const struct zone *zone, int64_t at_ms)
{
    struct civil civil;
    int64_t at_s = floor_divide(at_ms, 1000), local_s = at_s + offset_at(zone, at_s);
    int64_t days = floor_divide(local_s, DAY_S), rest = local_s - days * DAY_S;
    calendar_date(days, &civil);
    civil.hour = (int)(rest / 3600);
    civil.minute = (int)(rest / 60 % 60);
    civil.second = (int)(rest % 60);
    return civil;
}

/* The instant at which the offset changes between two instants that have different ones. */
static int64_t find_change(const struct zone *zone, int64_t low_s, int64_t high_s)
{
    int before = offset_at(zone, low_s);
    while (high_s - low_s > 1) {
        int64_t middle = low_s + (high_s - low_s) / 2;
        if (offset_at(zone, middle) == before)
            low_s = middle;
        else
            high_s = middle;
    }
    return high_s;
}

int64_t civil_to_instant(const struct zone *zone, const struct civil *civil)
{
    int64_t local_s = calendar_days(civil->year, civil->month, civil->day) * DAY_S + civil->hour * INT64_C(3600) +
                      civil->minute * INT64_C(60) + civil->second;
    /* The offsets that can hold near it: those of a day before and after, and of where these lead. */
    int offsets[4] = {offset_at(zone, local_s - DAY_S), offset_at(zone, local_s + DAY_S)};
    offsets[2] = offset_at(zone, local_s - offsets[0]);
    offsets[3] = offset_at(zone, local_s - offsets[1]);
    int64_t best_s = INT64_MAX, low_s = INT64_MAX, high_s = INT64_MIN;
    for (size_t i = 0; i < 4; i++) {
        int64_t at_s = local_s - offsets[i];
        if (offset_at(zone, at_s) == offsets[i] && at_s < best_s)
            best_s = at_s;
        low_s = at_s < low_s ? at_s : low_s;
        high_s = at_s > high_s ? at_s : high_s;
    }
    if (best_s == INT64_MAX) /* in a gap */
        best_s = find_change(zone, low_s, high_s);
    return best_s * 1000;
}
