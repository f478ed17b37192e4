/* SPDX-License-Identifier: ISC */
/* Lists: order and filter worked out in small pieces, the selection kept in its place. */
#include "ui/table.h"

#include "berth/base/str.h"
#include "berth/base/text.h"

#define FIRST_RUN 32   /* rows sorted by insertion before merging begins */
#define LOOK_EVERY 512 /* rows between two looks at the clock */
#define GAP 2          /* between columns, where there is room */

void table_init(struct table *table, const struct table_source *source, void *context,
                const struct table_column *columns, int column_count)
{
    BUG_ON(column_count > TABLE_COLUMNS);
    *table = (struct table){.source = source,
                            .context = context,
                            .columns = columns,
                            .column_count = column_count,
                            .sort = -1,
                            .seen = UINT64_MAX};
}

void table_release(struct table *table)
{
    vec_release(&table->shown);
    vec_release(&table->order);
    vec_release(&table->scratch);
    vec_release(&table->next);
    filter_release(&table->filter);
}

/* --- order ------------------------------------------------------------------------------------------------ */

static bool before(const struct table *table, uint32_t a, uint32_t b)
{
    int order = table->sort < 0 ? 0 : table->source->compare(table->context, a, b, table->sort);
    if (order == 0)
        return a < b;
    return table->descending ? order > 0 : order < 0;
}

static void sort_run(struct table *table, size_t from, size_t to)
{
    uint32_t *items = table->order.items;
    for (size_t i = from + 1; i < to; i++) {
        uint32_t item = items[i];
        size_t j = i;
        for (; j > from && before(table, item, items[j - 1]); j--)
            items[j] = items[j - 1];
        items[j] = item;
    }
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void begin_pair(struct table *table, size_t from)
{
    table->left = from;
    table->left_end = table->right = least(from + table->width, table->order.count);
    table->right_end = least(from + 2 * table->width, table->order.count);
}

static void begin(struct table *table)
{
    size_t count = table->source->count(table->context);
    table->seen = table->source->version(table->context);
    vec_clear(&table->order);
    vec_clear(&table->next);
    for (size_t place = 0; place < count; place++)
        vec_push(&table->order, (uint32_t)place);
    table->scan = 0;
    table->at = 0;
    table->width = 0;
    table->state = table->sort < 0 ? TABLE_FILTERING : TABLE_SORTING;
}

static void swap_buffers(struct table *table)
{
    uint32_t *items = table->order.items;
    size_t room = table->order.room;
    table->order.items = table->scratch.items;
    table->order.room = table->scratch.room;
    table->scratch.items = items;
    table->scratch.room = room;
}

/* Sorts the next piece: first short runs in place, then merges of doubling width; about LOOK_EVERY rows. */
static void sort_piece(struct table *table)
{
    size_t count = table->order.count;
    if (table->width == 0) {
        size_t to = least(table->at + LOOK_EVERY, count);
        for (; table->at < to; table->at += FIRST_RUN)
            sort_run(table, table->at, least(table->at + FIRST_RUN, count));
        if (table->at < count)
            return;
        table->width = FIRST_RUN;
        while (table->scratch.room < count)
            vec_push(&table->scratch, 0);
        table->at = 0;
        begin_pair(table, 0);
    }
    if (table->width >= count) {
        table->state = TABLE_FILTERING;
        return;
    }
    for (size_t i = 0; i < LOOK_EVERY && table->at < count; i++) {
        const uint32_t *items = table->order.items;
        bool take_left = table->left < table->left_end &&
                         (table->right >= table->right_end || !before(table, items[table->right], items[table->left]));
        table->scratch.items[table->at++] = items[take_left ? table->left++ : table->right++];
        if (table->left >= table->left_end && table->right >= table->right_end)
            begin_pair(table, table->right_end);
    }
    if (table->at >= count) {
        swap_buffers(table);
        table->width *= 2;
        table->at = 0;
        begin_pair(table, 0);
    }
}

struct asking {
    const struct table *table;
    size_t place;
};

static const char *ask_field(const void *row, const char *field, void *context)
{
    const struct asking *asking = row;
    (void)context;
    return asking->table->source->field(asking->table->context, asking->place, field);
}

static bool ask_number(const void *row, const char *field, void *context, int64_t *number)
{
    const struct asking *asking = row;
    const struct table_source *source = asking->table->source;
    (void)context;
    return source->number && source->number(asking->table->context, asking->place, field, number);
}

static void filter_piece(struct table *table)
{
    size_t to = least(table->scan + LOOK_EVERY, table->order.count);
    for (; table->scan < to; table->scan++) {
        struct asking asking = {table, table->order.items[table->scan]};
        if (table->source->exists(table->context, asking.place) &&
            filter_fits(&table->filter, &asking, ask_field, ask_number, NULL))
            vec_push(&table->next, (uint32_t)asking.place);
    }
}

/* --- what is shown ---------------------------------------------------------------------------------------- */

static bool find_shown(const struct table *table, uint32_t place, size_t *at)
{
    for (size_t i = 0; i < table->shown.count; i++) {
        if (table->shown.items[i] == place) {
            *at = i;
            return true;
        }
    }
    return false;
}

/* Takes the new order; the selected row stays on the line it is on. */
static void show_next(struct table *table)
{
    long place = table_place(table);
    bool at_top = table->cursor.at == 0 && !table->filtered_once;
    size_t at;
    uint32_t *items = table->shown.items;
    size_t room = table->shown.room;
    table->shown.items = table->next.items;
    table->shown.count = table->next.count;
    table->shown.room = table->next.room;
    table->next.items = items;
    table->next.count = 0;
    table->next.room = room;
    if (place >= 0 && !at_top && find_shown(table, (uint32_t)place, &at))
        cursor_follow(&table->cursor, at);
    table->filtered_once = true;
    cursor_keep(&table->cursor, table->shown.count);
}

bool table_work(struct table *table, int64_t budget_us)
{
    if (table->state == TABLE_IDLE) {
        if (table->seen == table->source->version(table->context))
            return false;
        begin(table);
    }
    int64_t until = table->source->monotonic_us(table->context) + budget_us;
    do {
        if (table->state == TABLE_SORTING) {
            sort_piece(table);
        } else {
            filter_piece(table);
            if (table->scan >= table->order.count) {
                show_next(table);
                table->state = TABLE_IDLE;
                return table->seen != table->source->version(table->context);
            }
        }
    } while (table->source->monotonic_us(table->context) < until);
    return true;
}

void table_finish(struct table *table)
{
    while (table_work(table, 1000))
        ;
}

static void begin_again(struct table *table)
{
    table->state = TABLE_IDLE;
    table->seen = UINT64_MAX;
}

void table_sort(struct table *table, int column, bool descending)
{
    table->sort = column;
    table->descending = descending;
    begin_again(table);
}

void table_filter(struct table *table, const char *text)
{
    filter_set(&table->filter, text);
    begin_again(table);
}

long table_place(const struct table *table)
{
    return table->cursor.at < table->shown.count ? (long)table->shown.items[table->cursor.at] : -1;
}

void table_select(struct table *table, size_t place)
{
    size_t at;
    table->filtered_once = true;
    if (find_shown(table, (uint32_t)place, &at)) {
        table->cursor.at = at;
        cursor_keep(&table->cursor, table->shown.count);
    }
}

bool table_handle(struct table *table, enum request request)
{
    if (!cursor_handle(&table->cursor, request, table->shown.count))
        return false;
    table->filtered_once = true;
    return true;
}

/* --- drawing ---------------------------------------------------------------------------------------------- */

/* How wide the cells are that are on the screen. A column that holds nothing anywhere gets no room at all. */
static void measure(struct table *table, size_t rows)
{
    struct str text = STR_INIT;
    for (size_t line = 0; line < rows && table->cursor.top + line < table->shown.count; line++) {
        for (int i = 0; i < table->column_count; i++) {
            enum style style = STYLE_NORMAL;
            str_clear(&text);
            table->source->cell(table->context, table->shown.items[table->cursor.top + line], i, &text, &style);
            int width = text.length ? text_width(text.data) : 0;
            if (width > table->widest[i])
                table->widest[i] = width;
        }
    }
    str_release(&text);
}

static int total(const struct table *table, const int widths[TABLE_COLUMNS], int gap)
{
    int sum = -gap;
    for (int i = 0; i < table->column_count; i++)
        sum += widths[i] ? widths[i] + gap : 0;
    return sum;
}

/* Takes what is missing from the columns that may shrink: first what one very long cell would have beyond a third of the room, then from the least
 * important ones. */
static void shrink(const struct table *table, int widths[TABLE_COLUMNS], int room)
{
    int over = total(table, widths, 1) - room;
    for (int drop = TABLE_COLUMNS + 1; over > 0 && drop >= 0; drop--) {
        bool is_first = drop == TABLE_COLUMNS + 1;
        for (int i = 0; i < table->column_count; i++) {
            int least = is_first && table->columns[i].least < room / 3 ? room / 3 : table->columns[i].least;
            int spare = table->columns[i].least ? widths[i] - least : 0;
            int taken = spare < over ? spare : over;
            if ((is_first || table->columns[i].drop == drop) && taken > 0) {
                widths[i] -= taken;
                over -= taken;
            }
        }
    }
}

/* What a column has when everything may shrink that can. */
static int least_total(const struct table *table, const int widths[TABLE_COLUMNS])
{
    int least[TABLE_COLUMNS];
    for (int i = 0; i < table->column_count; i++)
        least[i] = table->columns[i].least && widths[i] > table->columns[i].least ? table->columns[i].least : widths[i];
    return total(table, least, 1);
}

static int first_to_drop(const struct table *table, const int widths[TABLE_COLUMNS])
{
    int first = -1;
    for (int i = 0; i < table->column_count; i++) {
        if (widths[i] && table->columns[i].drop && (first < 0 || table->columns[i].drop > table->columns[first].drop))
            first = i;
    }
    return first;
}

/* Columns as wide as what they hold; where the room is short, long ones shrink, then the least important are left out. Gives the gap between them. */
static int lay_out(const struct table *table, int room, int widths[TABLE_COLUMNS])
{
    for (int i = 0; i < table->column_count; i++) {
        int title = text_width(table->columns[i].title) + (i == table->sort);
        widths[i] = !table->widest[i] && table->shown.count ? 0 : table->widest[i] > title ? table->widest[i] : title;
    }
    for (int first; least_total(table, widths) > room && (first = first_to_drop(table, widths)) >= 0;)
        widths[first] = 0;
    shrink(table, widths, room);
    return total(table, widths, GAP) <= room ? GAP : 1;
}

static void draw_row(const struct table *table, struct grid *grid, int row, struct area area, const int *widths,
                     int gap, size_t place)
{
    struct str text = STR_INIT;
    int column = area.column + 1, end = area.column + area.columns;
    for (int i = 0; i < table->column_count; i++) {
        enum style style = STYLE_NORMAL;
        if (!widths[i])
            continue;
        str_clear(&text);
        table->source->cell(table->context, place, i, &text, &style);
        grid_put(grid, row, column, column + widths[i] > end ? end - column : widths[i], style, text.data);
        column += widths[i] + gap;
    }
    str_release(&text);
}

static void draw_titles(const struct table *table, struct grid *grid, struct area area, const int *widths, int gap)
{
    int column = area.column + 1;
    for (int i = 0; i < table->column_count; i++) {
        if (!widths[i])
            continue;
        int used = grid_put(grid, area.row, column, widths[i], STYLE_COLUMN, table->columns[i].title);
        if (i == table->sort)
            grid_put(grid, area.row, column + used, 1, STYLE_COLUMN,
                     grid->ascii         ? (table->descending ? "v" : "^")
                     : table->descending ? "▼"
                                         : "▲");
        column += widths[i] + gap;
    }
}

void table_draw(struct table *table, struct grid *grid, struct area area)
{
    int widths[TABLE_COLUMNS];
    table->cursor.lines = area.rows - 1;
    cursor_keep(&table->cursor, table->shown.count);
    measure(table, area.rows > 1 ? (size_t)area.rows - 1 : 0);
    int gap = lay_out(table, area.columns - 2, widths);
    draw_titles(table, grid, area, widths, gap);
    for (int line = 0; line < table->cursor.lines && table->cursor.top + (size_t)line < table->shown.count; line++) {
        size_t at = table->cursor.top + (size_t)line;
        int row = area.row + 1 + line;
        draw_row(table, grid, row, area, widths, gap, table->shown.items[at]);
        if (at == table->cursor.at)
            cursor_mark(grid, area, row);
    }
}
