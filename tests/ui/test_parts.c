/* SPDX-License-Identifier: ISC */
/* The parts views are made of: pager, filter, table, rows kept in memory, the grid. */
#include "scene.h"

#include "ui/filter.h"
#include "ui/pager.h"
#include "ui/shelf.h"
#include "ui/table.h"
#include "ui/wrap.h"

#define MANY 20000

/* --- pager ------------------------------------------------------------------------------------------------- */

static char *pager_shows(struct pager *pager, int rows, int columns)
{
    struct grid grid;
    struct str text = STR_INIT;
    grid_init(&grid, rows, columns, false);
    pager_draw(pager, &grid, (struct area){0, 0, rows, columns});
    grid_text(&grid, &text);
    grid_release(&grid);
    return str_take(&text);
}

static void assert_pager(const char *bytes, const char *expected)
{
    for (size_t piece = 1; piece < 8; piece++) { /* whatever the reads, the text is the same */
        struct pager pager;
        pager_init(&pager);
        for (size_t at = 0; at < strlen(bytes); at += piece)
            pager_add(&pager, bytes + at, strlen(bytes + at) < piece ? strlen(bytes + at) : piece);
        char *text = pager_shows(&pager, 3, 40);
        assert_string_equal(text, expected);
        free(text);
        pager_release(&pager);
    }
}

static void pager__takes_escape_sequences_out(void **state)
{
    (void)state;
    assert_pager("a \x1b[31mred\x1b[0m b\n", "a red b\n\n\n");
    assert_pager("\x1b]0;title\x07"
                 "after\n",
                 "after\n\n\n");
    assert_pager("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\\n", "link\n\n\n");
    assert_pager("\x1b[?1049h\x1b[2J\x1b[Hhome\n", "home\n\n\n");
}

static void pager__an_unfinished_sequence_hides_no_later_line(void **state)
{
    (void)state;
    assert_pager("\x1b]0;never ends\nnext\n", "\nnext\n\n");
    assert_pager("\x1b[12\nnext\n", "\nnext\n\n");
}

static void pager__a_carriage_return_begins_its_line_again(void **state)
{
    (void)state;
    assert_pager("10%\r20%\r30%\nwindows\r\n", "30%\nwindows\n\n");
}

static void pager__what_is_no_text_is_made_visible(void **state)
{
    (void)state;
    assert_pager("bell\x07 c1\xc2\x9b"
                 "31m\n",
                 "bell\\x07 c1\\u{009b}31m\n\n\n");
}

static void pager__a_line_without_end_is_held_in_pieces(void **state)
{
    struct pager pager;
    char block[10000];
    (void)state;
    memset(block, 'x', sizeof block);
    pager_init(&pager);
    for (int i = 0; i < 2000; i++)
        pager_add(&pager, block, sizeof block); /* 20 MB in one line */
    assert_true(pager.text.length <= PAGER_BYTES);
    assert_true(pager.dropped > 0);
    pager_release(&pager);
}

static void pager__scrolling_up_ends_following_and_the_end_is_seen_when_it_follows(void **state)
{
    struct pager pager;
    (void)state;
    pager_init(&pager);
    pager.follow = true;
    for (int i = 0; i < 100; i++) {
        char line[20];
        snprintf(line, sizeof line, "line %d\n", i);
        pager_add(&pager, line, strlen(line));
    }
    char *text = pager_shows(&pager, 3, 20);
    assert_string_equal(text, "line 97\nline 98\nline 99\n");
    free(text);
    pager_handle(&pager, REQUEST_UP);
    assert_false(pager.follow);
    pager_add(&pager, "more\n", 5);
    text = pager_shows(&pager, 3, 20);
    assert_string_equal(text, "line 96\nline 97\nline 98\n");
    free(text);
    assert_true(pager_search(&pager, "LINE 5"));
    text = pager_shows(&pager, 1, 20);
    assert_string_equal(text, "line 5\n");
    free(text);
    pager_handle(&pager, REQUEST_NEXT_MATCH);
    text = pager_shows(&pager, 1, 20);
    assert_string_equal(text, "line 50\n");
    free(text);
    assert_false(pager_search(&pager, "nowhere"));
    pager_release(&pager);
}

/* --- filter ------------------------------------------------------------------------------------------------ */

static const char *two_fields(const void *row, const char *field, void *context)
{
    const char *const *texts = row;
    (void)context;
    return !*field ? texts[0] : strcmp(field, "status") == 0 ? texts[1] : NULL;
}

static bool one_number(const void *row, const char *field, void *context, int64_t *number)
{
    (void)row, (void)context;
    *number = 3 * 24 * 3600 * INT64_C(1000);
    return strcmp(field, "age") == 0;
}

static bool fits(const char *filter_text, const char *name, const char *status)
{
    struct filter filter = {0};
    const char *row[] = {name, status};
    filter_set(&filter, filter_text);
    bool fit = filter_fits(&filter, row, two_fields, one_number, NULL);
    filter_release(&filter);
    return fit;
}

static void filter__words_fields_not_and_or(void **state)
{
    (void)state;
    assert_true(fits("", "a", "b"));
    assert_true(fits("CHECK", "fix/checkout", "ok"));
    assert_true(fits("fix out", "fix/checkout", "ok"));
    assert_false(fits("fix nowhere", "fix/checkout", "ok"));
    assert_true(fits("!feature", "fix/checkout", "ok"));
    assert_false(fits("!fix", "fix/checkout", "ok"));
    assert_true(fits("status:fail", "fix/checkout", "failed"));
    assert_false(fits("status:fail", "fix/checkout", "ok"));
    assert_true(fits("nowhere | status:ok", "fix/checkout", "ok"));
    assert_false(fits("unknown:x", "fix/checkout", "ok"));
    assert_true(fits("fix | nowhere", "fix/checkout", "ok"));
    assert_true(fits("age>2d", "a", "ok"));
    assert_false(fits("age>4d", "a", "ok"));
    assert_true(fits("age<4d12h status:ok", "a", "ok"));
    assert_true(fits("!age<2h", "a", "ok"));
    assert_true(fits("age>5", "a", "ok"));
    assert_false(fits("ttl<2h", "a", "ok")); /* it has none */
    assert_true(fits("age>", "a", "ok"));    /* not typed to its end */
    assert_true(fits("ttl<2", "a", "ok") == false && fits("age<2x", "a", "ok"));
}

static void filter__expressions_are_matched_within_bounds(void **state)
{
    struct filter filter = {0};
    const char *row[] = {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", "ok"};
    (void)state;
    assert_true(fits("~^FIX/.*out$~", "fix/checkout", "ok"));
    assert_false(fits("~^out~", "fix/checkout", "ok"));
    assert_true(fits("!~^out~", "fix/checkout", "ok"));
    assert_true(fits("~two words~ status:ok", "of two words", "ok"));
    assert_false(fits("~two words~ status:failed", "of two words", "ok"));
    assert_true(fits("status:~^o.$~ fix", "fix/checkout", "ok"));
    assert_false(fits("status:~^o$~", "fix/checkout", "ok"));
    assert_true(fits("~nowhere~ | ~check~", "fix/checkout", "ok"));
    assert_true(fits("~nowhere", "fix/checkout", "ok")); /* not typed to its end */
    assert_true(fits("~(~", "fix/checkout", "ok"));      /* none: it hides nothing */
    assert_true(fits("a~b", "a~b", "ok"));               /* a word */
    assert_false(fits("~x~", "caf\xe9", "ok"));          /* what is no UTF-8 is searched as it is */
    filter_set(&filter, "~(~");
    assert_string_equal(filter_trouble(&filter), "no expression: missing closing parenthesis at character 2");
    filter_set(&filter, "~(a+)+$~");
    assert_string_equal(filter_trouble(&filter), "");
    assert_false(filter_fits(&filter, row, two_fields, one_number, NULL));
    assert_non_null(strstr(filter_trouble(&filter), "takes too long"));
    filter_set(&filter, "~a!$~");
    assert_true(filter_fits(&filter, row, two_fields, one_number, NULL));
    assert_string_equal(filter_trouble(&filter), "");
    filter_release(&filter);
}

/* --- table ------------------------------------------------------------------------------------------------- */

struct numbers {
    uint32_t values[MANY];
    uint64_t version;
    int64_t clock;
    char text[20];
};

static size_t number_count(void *context)
{
    (void)context;
    return MANY;
}

static bool number_exists(void *context, size_t place)
{
    return ((struct numbers *)context)->values[place] != 0;
}

static int number_compare(void *context, size_t a, size_t b, int column)
{
    const struct numbers *numbers = context;
    (void)column;
    return numbers->values[a] < numbers->values[b] ? -1 : numbers->values[a] > numbers->values[b];
}

static const char *number_field(void *context, size_t place, const char *field)
{
    struct numbers *numbers = context;
    (void)field;
    snprintf(numbers->text, sizeof numbers->text, "%u", numbers->values[place]);
    return numbers->text;
}

static void number_cell(void *context, size_t place, int column, struct str *text, enum style *style)
{
    (void)column;
    (void)style;
    str_add(text, number_field(context, place, ""));
}

static uint64_t number_version(void *context)
{
    return ((struct numbers *)context)->version;
}

/* Each look at the clock costs a millisecond: a budget is a number of pieces. */
static int64_t number_clock(void *context)
{
    return ((struct numbers *)context)->clock += 1000;
}

static const struct table_source number_source = {
    .count = number_count,
    .exists = number_exists,
    .compare = number_compare,
    .field = number_field,
    .cell = number_cell,
    .version = number_version,
    .monotonic_us = number_clock,
};
/* A family, a thumb with a skin tone, a flag: none is drawn as the first of its parts, none shifts what follows. */
static void grid__draws_a_cluster_whole_or_its_replacement(void **state)
{
    static const struct {
        const char *text, *row;
    } rows[] = {
        {"\xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7|", "\xef\xbf\xbd\xef\xbf\xbd|"},
        {"\xf0\x9f\x91\x8d\xf0\x9f\x8f\xbd|", "\xef\xbf\xbd\xef\xbf\xbd|"},
        {"\xf0\x9f\x87\xa9\xf0\x9f\x87\xaa|", "\xef\xbf\xbd\xef\xbf\xbd|"},
        {"\xf0\x9f\x8e\x89|", "\xf0\x9f\x8e\x89|"},
        {"\xe0\xb8\x81\xe0\xb8\xb1|", "\xe0\xb8\x81\xe0\xb8\xb1|"}, /* Thai with a vowel above */
        {"\xe2\x9d\xa4\xef\xb8\x8f|", "\xe2\x9d\xa4|"},
        {"e\xcc\x81|", "e\xcc\x81|"},
        {"\xe6\xbc\xa2|", "\xe6\xbc\xa2|"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct grid grid;
        struct str row = STR_INIT;
        int cells = 0;
        grid_init(&grid, 1, 8, false);
        grid_put(&grid, 0, 0, 8, STYLE_NORMAL, rows[i].text);
        grid_row_text(&grid, 0, &row);
        assert_string_equal(row.data, rows[i].row);
        for (int column = 0; column < 8; column++)
            cells += grid_cell(&grid, 0, column)->width;
        assert_int_equal(cells, 8);
        str_release(&row);
        grid_release(&grid);
    }
}

static void wrap__cuts_between_words_and_in_long_ones(void **state)
{
    static const char *const pieces[] = {"what", "happens", "afterwar", "ds now"};
    const char *text = "what happens afterwards now";
    size_t at = 0, start, bytes, count = 0;
    (void)state;
    for (; wrap_next(text, strlen(text), 8, &at, &start, &bytes); count++) {
        assert_true(count < 4);
        assert_int_equal(bytes, strlen(pieces[count]));
        assert_memory_equal(text + start, pieces[count], bytes);
    }
    assert_int_equal(count, 4);
    assert_int_equal(wrap_rows("", 8), 1);
    assert_int_equal(wrap_rows("12345678", 8), 1);
    assert_int_equal(wrap_rows("123456789", 8), 2);
}

static void pager__shows_the_end_of_wrapped_lines_when_it_follows(void **state)
{
    struct pager pager;
    struct grid grid;
    struct str row = STR_INIT;
    (void)state;
    grid_init(&grid, 4, 10, true);
    pager_init(&pager);
    pager.follow = true;
    pager_add(&pager, "one two three four five six\nand the end", 39);
    pager_draw(&pager, &grid, (struct area){0, 0, 4, 10});
    grid_clear(&grid);
    pager_draw(&pager, &grid, (struct area){0, 0, 4, 10});
    grid_row_text(&grid, 1, &row);
    assert_string_equal(row.data, "end");
    str_release(&row);
    pager_release(&pager);
    grid_release(&grid);
}

static const struct table_column number_columns[] = {{"NUMBER", 0, 0}};

static struct numbers *numbers_new(void)
{
    struct numbers *numbers = mem_zero(1, sizeof *numbers);
    uint32_t seed = 42;
    for (size_t i = 0; i < MANY; i++) {
        seed = seed * 1664525u + 1013904223u;
        numbers->values[i] = 1 + (seed >> 8) % 50000;
    }
    return numbers;
}

static void table__sorts_in_pieces_and_keeps_ties_in_place(void **state)
{
    struct numbers *numbers = numbers_new();
    struct table table;
    size_t pieces = 0;
    (void)state;
    table_init(&table, &number_source, numbers, number_columns, 1);
    table_sort(&table, 0, false);
    while (table_work(&table, 0))
        pieces++;
    assert_true(pieces > 100);
    assert_int_equal(table.shown.count, MANY);
    for (size_t i = 1; i < MANY; i++) {
        uint32_t before = table.shown.items[i - 1], at = table.shown.items[i];
        assert_true(numbers->values[before] < numbers->values[at] ||
                    (numbers->values[before] == numbers->values[at] && before < at));
    }
    table_sort(&table, 0, true);
    table_finish(&table);
    for (size_t i = 1; i < MANY; i++)
        assert_true(numbers->values[table.shown.items[i - 1]] >= numbers->values[table.shown.items[i]]);
    table_release(&table);
    free(numbers);
}

static void table__the_selected_row_stays_on_its_line(void **state)
{
    struct numbers *numbers = numbers_new();
    struct table table;
    struct grid grid;
    (void)state;
    grid_init(&grid, 21, 20, true);
    table_init(&table, &number_source, numbers, number_columns, 1);
    table_sort(&table, 0, false);
    table_finish(&table);
    table_draw(&table, &grid, (struct area){0, 0, 21, 20});
    for (int i = 0; i < 30; i++)
        table_handle(&table, REQUEST_PAGE_DOWN);
    table_handle(&table, REQUEST_UP);
    long place = table_place(&table);
    size_t line = table.cursor.at - table.cursor.top;
    for (size_t i = 0; i < MANY; i += 3) { /* a third of the rows moves to the front */
        if ((long)i != place)
            numbers->values[i] = 1;
    }
    numbers->version++;
    table_finish(&table);
    table_draw(&table, &grid, (struct area){0, 0, 21, 20});
    assert_int_equal(table_place(&table), place);
    assert_int_equal(table.cursor.at - table.cursor.top, line);
    table_release(&table);
    grid_release(&grid);
    free(numbers);
}

static void table__removed_rows_and_filters_leave_a_valid_selection(void **state)
{
    struct numbers *numbers = numbers_new();
    struct table table;
    (void)state;
    table_init(&table, &number_source, numbers, number_columns, 1);
    table_finish(&table);
    table_handle(&table, REQUEST_BOTTOM);
    assert_int_equal(table_place(&table), MANY - 1);
    memset(numbers->values, 0, sizeof numbers->values);
    numbers->version++;
    table_finish(&table);
    assert_int_equal(table_place(&table), -1);
    table_handle(&table, REQUEST_DOWN);
    table_handle(&table, REQUEST_BOTTOM);
    assert_int_equal(table_place(&table), -1);
    table_release(&table);
    free(numbers);
}

/* --- rows in memory ---------------------------------------------------------------------------------------- */

static void shelf__keeps_places_and_packs_old_text(void **state)
{
    struct branch_shelf shelf = {0};
    char id[40], subject[90];
    (void)state;
    for (int round = 0; round < 200; round++) {
        for (int i = 0; i < 300; i++) {
            snprintf(id, sizeof id, "app:b%d", i);
            snprintf(subject, sizeof subject, "round %d of a subject that has about eighty bytes of text, branch %d",
                     round, i);
            branch_shelf_put(&shelf,
                             &(struct branch){.id = id, .subject = subject, .author = "anna", .commit = "0123456789"});
        }
    }
    assert_int_equal(shelf.rows.count, 300);
    assert_true(shelf.text_bytes < 3u << 20); /* 200 rounds would be 5 MB */
    for (int i = 0; i < 300; i++) {
        snprintf(id, sizeof id, "b%d", i);
        assert_string_equal(shelf.rows.items[i].name, id);
        assert_string_equal(shelf.rows.items[i].author, "anna");
        assert_string_equal(shelf.rows.items[i].commit, "01234567");
    }
    branch_shelf_remove(&shelf, "app:b7");
    assert_null(branch_shelf_get(&shelf, "app:b7"));
    assert_non_null(branch_shelf_get(&shelf, "app:b8"));
    branch_shelf_release(&shelf);
}

static void picture__follows_what_is_put_and_removed(void **state)
{
    struct scene scene;
    struct error error = {0};
    (void)state;
    scene_open(&scene, 36, 120, 0);
    scene_type(&scene, "2");
    scene_put(&scene, &branch_type,
              &(struct branch){.id = "app:feature/new",
                               .repository = "app",
                               .name = "feature/new",
                               .commit = "1",
                               .committed_at = SCENE_NOW});
    scene_pass(&scene, 1000);
    assert_shows(&scene, "feature/new");
    assert_true(store_begin(scene.store, STORE_RELAXED, &error));
    assert_true(store_remove(scene.store, &branch_type, "app:feature/new", &error));
    assert_true(store_commit(scene.store, NULL, &error));
    scene_pass(&scene, 1000);
    assert_hides(&scene, "feature/new");
    scene_close(&scene);
}

static void reading_everything_again__keeps_the_selected_row(void **state)
{
    struct scene scene;
    struct subject subject = {0};
    (void)state;
    scene_open(&scene, 36, 120, 0);
    scene_type(&scene, "2jj");
    scene_type(&scene, "<^r>");
    scene_pass(&scene, 1000);
    struct view *view = dashboard_view(&scene.dashboard);
    view->ops->subject(view, &subject);
    assert_string_equal(subject.branch->name, "main");
    assert_shows(&scene, "Branches 5");
    scene_type(&scene, "1");
    assert_shows(&scene, "Environments 3");
    scene_close(&scene);
}

static void environment__goes_green_while_it_is_looked_at(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 36, 120, SCENE_ASCII);
    scene_type(&scene, "1<enter>");
    assert_shows(&scene, "[FAIL] failed");
    struct environment row = scene_environment("E1", "review/checkout", TIER_REVIEW, ENVIRONMENT_OK);
    scene_put(&scene, &environment_type, &row);
    scene_put(&scene, &resource_type,
              &(struct resource){.id = "E1/migrate",
                                 .environment = "E1",
                                 .address = "migrate",
                                 .name = "migrate",
                                 .executor = "exec",
                                 .group = "data",
                                 .status = RESOURCE_OK,
                                 .position = 2});
    scene_turn(&scene);
    assert_shows(&scene, "- [OK] OK");
    assert_shows(&scene, "migrate   [OK] ok");
    scene_close(&scene);
}

static void grid__a_wide_character_cut_in_half_leaves_a_blank(void **state)
{
    struct grid grid;
    (void)state;
    grid_init(&grid, 1, 6, false);
    grid_put(&grid, 0, 0, 6, STYLE_NORMAL, "\xe6\xbc\xa2\xe5\xad\x97x");
    assert_int_equal(grid_cell(&grid, 0, 0)->width, 2);
    grid_put(&grid, 0, 1, 1, STYLE_NORMAL, "y");
    assert_string_equal(grid_cell(&grid, 0, 0)->text, " ");
    assert_string_equal(grid_cell(&grid, 0, 1)->text, "y");
    grid_put(&grid, 0, 2, 1, STYLE_NORMAL, "z");
    assert_string_equal(grid_cell(&grid, 0, 3)->text, " ");
    grid_release(&grid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pager__takes_escape_sequences_out),
        cmocka_unit_test(pager__an_unfinished_sequence_hides_no_later_line),
        cmocka_unit_test(pager__a_carriage_return_begins_its_line_again),
        cmocka_unit_test(pager__what_is_no_text_is_made_visible),
        cmocka_unit_test(pager__a_line_without_end_is_held_in_pieces),
        cmocka_unit_test(pager__scrolling_up_ends_following_and_the_end_is_seen_when_it_follows),
        cmocka_unit_test(filter__words_fields_not_and_or),
        cmocka_unit_test(filter__expressions_are_matched_within_bounds),
        cmocka_unit_test(grid__draws_a_cluster_whole_or_its_replacement),
        cmocka_unit_test(wrap__cuts_between_words_and_in_long_ones),
        cmocka_unit_test(pager__shows_the_end_of_wrapped_lines_when_it_follows),
        cmocka_unit_test(table__sorts_in_pieces_and_keeps_ties_in_place),
        cmocka_unit_test(table__the_selected_row_stays_on_its_line),
        cmocka_unit_test(table__removed_rows_and_filters_leave_a_valid_selection),
        cmocka_unit_test(shelf__keeps_places_and_packs_old_text),
        cmocka_unit_test(picture__follows_what_is_put_and_removed),
        cmocka_unit_test(reading_everything_again__keeps_the_selected_row),
        cmocka_unit_test(environment__goes_green_while_it_is_looked_at),
        cmocka_unit_test(grid__a_wide_character_cut_in_half_leaves_a_blank),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
