/* SPDX-License-Identifier: ISC */
/* No key means two things in one view, lower case never acts, and help names every verb that has a key. */
#include "scene.h"

#include "ui/theme.h"

static void keys__mean_one_thing_in_each_view(void **state)
{
    size_t count;
    const struct binding *list = bindings(&count);
    (void)state;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = i + 1; j < count; j++) {
            if (!(list[i].views & list[j].views) || (list[i].group == KEYS_PREFIX) != (list[j].group == KEYS_PREFIX))
                continue;
            for (size_t a = 0; a < 4 && list[i].keys[a]; a++) {
                for (size_t b = 0; b < 4 && list[j].keys[b]; b++) {
                    if (list[i].keys[a] == list[j].keys[b])
                        fail_msg("%s and %s are both \"%s\"", list[i].help, list[j].help, list[i].name);
                }
            }
        }
    }
}

static void verbs__have_capitals_that_no_look_key_takes(void **state)
{
    size_t verb_count;
    const struct verb *verb = verbs(&verb_count);
    (void)state;
    for (size_t i = 0; i < verb_count; i++) {
        if (!verb[i].key)
            continue;
        assert_true(verb[i].key >= 'A' && verb[i].key <= 'Z');
        for (unsigned view = 1; view <= VIEW_RELEASES; view <<= 1) {
            bool pages = verb[i].key == 'N' || verb[i].key == 'G'; /* vim's, in pagers alone */
            if (request_for_key(verb[i].key, (enum view_kind)view, false) != REQUEST_NONE && !pages)
                fail_msg("%c is %s and moves", verb[i].key, verb[i].name);
        }
    }
}

static void verbs__of_one_scope_never_share_a_key(void **state)
{
    size_t count;
    const struct verb *list = verbs(&count);
    (void)state;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = i + 1; j < count; j++) {
            if (list[i].key && list[i].key == list[j].key && (list[i].scopes & list[j].scopes))
                fail_msg("%s and %s are both %c", list[i].name, list[j].name, list[i].key);
        }
    }
}

static void only_x__removes(void **state)
{
    size_t count;
    const struct verb *list = verbs(&count);
    (void)state;
    for (size_t i = 0; i < count; i++) {
        if (list[i].key)
            assert_int_equal(list[i].key == 'X', (list[i].policy_flags & POLICY_DESTROYS) != 0);
    }
}

static void help__names_every_verb_with_a_key(void **state)
{
    struct scene scene;
    size_t count;
    const struct verb *list = verbs(&count);
    (void)state;
    scene_open(&scene, 200, 160, 0);
    scene_type(&scene, "?");
    for (size_t i = 0; i < count; i++) {
        if (list[i].key)
            assert_shows(&scene, list[i].help);
    }
    const struct binding *looks = bindings(&count);
    for (size_t i = 0; i < count; i++)
        assert_shows(&scene, looks[i].help);
    scene_type(&scene, "/extend<enter>");
    assert_shows(&scene, "Let an environment live longer.");
    assert_hides(&scene, "half a page up");
    scene_close(&scene);
}

static void the_manual__lists_the_same_keys(void **state)
{
    struct str manual = STR_INIT;
    size_t count, verb_count;
    const struct binding *list = bindings(&count);
    const struct verb *verb = verbs(&verb_count);
    (void)state;
    ui_keys_manual(&manual);
    for (size_t i = 0; i < count; i++)
        assert_non_null(strstr(manual.data, list[i].help));
    for (size_t i = 0; i < verb_count; i++)
        assert_int_equal(strstr(manual.data, verb[i].help) != NULL, verb[i].key != 0);
    str_release(&manual);
}

/* The parts of one of the 256 colours that xterm shows. */
static void parts_of(short colour, double parts[3])
{
    static const unsigned named[16] = {0x000000, 0xcd0000, 0x00cd00, 0xcdcd00, 0x0000ee, 0xcd00cd, 0x00cdcd, 0xe5e5e5,
                                       0x7f7f7f, 0xff0000, 0x00ff00, 0xffff00, 0x5c5cff, 0xff00ff, 0x00ffff, 0xffffff};
    static const unsigned steps[6] = {0, 95, 135, 175, 215, 255};
    unsigned cell = (unsigned)colour - 16, grey = 8 + 10 * ((unsigned)colour - 232);
    unsigned rgb = colour < 16    ? named[colour]
                   : colour < 232 ? steps[cell / 36] << 16 | steps[cell / 6 % 6] << 8 | steps[cell % 6]
                                  : grey << 16 | grey << 8 | grey;
    for (int i = 0; i < 3; i++)
        parts[i] = (double)(rgb >> (16 - 8 * i) & 255) / 255;
}

static double lightness(short colour)
{
    static const double weights[3] = {0.2126, 0.7152, 0.0722};
    double parts[3], sum = 0;
    parts_of(colour, parts);
    for (int i = 0; i < 3; i++) {
        double x = parts[i] <= 0.03928 ? parts[i] / 12.92 : (parts[i] + 0.055) / 1.055;
        sum += weights[i] * (parts[i] <= 0.03928 ? x : x * x * (0.6 + 0.4 * x)); /* x to the 2.4 within a hundredth */
    }
    return sum;
}

static double contrast(short a, short b)
{
    double one = lightness(a) + 0.05, other = lightness(b) + 0.05;
    return one > other ? one / other : other / one;
}

/* What is written can be read: on the terminal's black and on the selected row, also what is muted. */
static void themes__keep_their_contrast(void **state)
{
    struct theme theme;
    struct error error = {0};
    (void)state;
    assert_true(theme_load("dark", &theme, &error));
    for (int style = 0; style < STYLE_COUNT; style++) {
        const struct appearance *look = &theme.styles[style];
        bool is_text = style != STYLE_BORDER && style != STYLE_KEY_DISABLED && style != STYLE_SELECTED;
        short ink = look->foreground == COLOUR_DEFAULT ? 7 : look->foreground;
        short ground = look->background == COLOUR_DEFAULT ? 0 : look->background;
        short selected = theme.styles[STYLE_SELECTED].background;
        if (contrast(ink, ground) < (is_text ? 4.5 : 2.5))
            fail_msg("%s: %.1f on its ground", style_names[style], contrast(ink, ground));
        if (is_text && look->background == COLOUR_DEFAULT && contrast(ink, selected) < 3.5)
            fail_msg("%s: %.1f on the selected row", style_names[style], contrast(ink, selected));
    }
}

static void themes__name_every_role_and_are_checked(void **state)
{
    struct theme theme;
    struct error error = {0};
    (void)state;
    assert_true(theme_load("dark", &theme, &error));
    assert_true(theme.styles[STYLE_FAILED].foreground != COLOUR_DEFAULT);
    assert_true(theme_load("monochrome", &theme, &error));
    for (int i = 0; i < STYLE_COUNT; i++)
        assert_int_equal(theme.styles[i].foreground, COLOUR_DEFAULT);
    assert_false(theme_parse("x.theme", "normal default default\nnormal default default\n", &theme, &error));
    assert_non_null(strstr(error.message, "x.theme:2"));
    assert_false(theme_parse("x.theme", "\nnormal puce default\n", &theme, &error));
    assert_non_null(strstr(error.message, "x.theme:2: found puce"));
    assert_false(theme_parse("x.theme", "normal default default shiny\n", &theme, &error));
    assert_false(theme_parse("x.theme", "normal default default\n", &theme, &error));
    assert_non_null(strstr(error.message, "title is missing"));
}

static void a_paste__is_text_for_a_field_and_never_a_key(void **state)
{
    struct scene scene;
    struct arena arena = {0};
    struct command *commands;
    (void)state;
    scene_open(&scene, 24, 80, 0);
    scene_type(&scene, "2");
    terminal_memory_paste(scene.terminal, "1D\ryyQ:destroy prod\r");
    scene_turn(&scene);
    assert_shows(&scene, "Branches 5");
    assert_shows(&scene, "was dropped");
    scene_type(&scene, "/");
    terminal_memory_paste(scene.terminal, "sear\nch");
    scene_turn(&scene);
    assert_shows(&scene, "Branches 1 of 5");
    scene_type(&scene, "<enter>D");
    scene_pass(&scene, 700);
    terminal_memory_paste(scene.terminal, "y\ry");
    scene_turn(&scene);
    assert_int_equal(scene_commands(&scene, &arena, &commands), 0);
    arena_release(&arena);
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_paste__is_text_for_a_field_and_never_a_key),
        cmocka_unit_test(keys__mean_one_thing_in_each_view),
        cmocka_unit_test(verbs__have_capitals_that_no_look_key_takes),
        cmocka_unit_test(verbs__of_one_scope_never_share_a_key),
        cmocka_unit_test(only_x__removes),
        cmocka_unit_test(help__names_every_verb_with_a_key),
        cmocka_unit_test(the_manual__lists_the_same_keys),
        cmocka_unit_test(themes__name_every_role_and_are_checked),
        cmocka_unit_test(themes__keep_their_contrast),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
