/* SPDX-License-Identifier: ISC */
/* The dependency graph: order, waves, cycles. */
#include "berth/model/graph.h"

#include "berth/base/str.h"
#include "fill.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

static void order__puts_needs_first_and_keeps_the_order_added(void **state)
{
    (void)state;
    struct graph *graph = graph_new();
    size_t server = graph_add(graph, "server"), other = graph_add(graph, "other"), base = graph_add(graph, "base");
    graph_need(graph, server, base);
    graph_need(graph, server, base);
    assert_int_equal(graph_add(graph, "server"), server);
    assert_int_equal(graph_find(graph, "nobody"), -1);
    size_t order[3], count;
    assert_true(graph_order(graph, order, NULL));
    assert_int_equal(order[0], other);
    assert_int_equal(order[1], base);
    assert_int_equal(order[2], server);
    assert_int_equal(graph_needs(graph, server, &count)[0], base);
    assert_int_equal(count, 1);
    assert_int_equal(graph_needed_by(graph, base, &count)[0], server);
    int wave[3];
    graph_waves(graph, wave);
    assert_int_equal(wave[server], 1);
    assert_int_equal(wave[base], 0);
    graph_free(graph);
}

static void order__names_a_cycle(void **state)
{
    (void)state;
    struct graph *graph = graph_new();
    size_t a = graph_add(graph, "a"), b = graph_add(graph, "b"), c = graph_add(graph, "c"), d = graph_add(graph, "d");
    graph_need(graph, a, b);
    graph_need(graph, b, c);
    graph_need(graph, c, b);
    graph_need(graph, b, d);
    size_t order[4];
    struct str cycle = STR_INIT;
    assert_false(graph_order(graph, order, &cycle));
    assert_string_equal(cycle.data, "b -> c -> b");
    str_clear(&cycle);
    graph_free(graph);
    graph = graph_new();
    a = graph_add(graph, "a");
    graph_need(graph, a, a);
    assert_false(graph_order(graph, order, &cycle));
    assert_string_equal(cycle.data, "a -> a");
    str_release(&cycle);
    graph_free(graph);
}

static void order__holds_for_random_graphs(void **state)
{
    (void)state;
    struct dice dice = {11};
    for (int round = 0; round < 200; round++) {
        struct graph *graph = graph_new();
        size_t count = 1 + dice_roll(&dice, 60);
        for (size_t i = 0; i < count; i++) {
            char name[24];
            snprintf(name, sizeof name, "n%zu", i);
            assert_int_equal(graph_add(graph, name), i);
        }
        for (size_t i = 0; i < count * 2; i++) { /* edges from higher to lower of a shuffled rank: acyclic */
            size_t from = dice_roll(&dice, count), to = dice_roll(&dice, count);
            if (from * 7919 % 61 > to * 7919 % 61)
                graph_need(graph, from, to);
        }
        size_t order[64], place[64];
        int wave[64];
        assert_true(graph_order(graph, order, NULL));
        for (size_t i = 0; i < count; i++)
            place[order[i]] = i;
        graph_waves(graph, wave);
        for (size_t i = 0; i < count; i++) {
            size_t needs;
            const size_t *needed = graph_needs(graph, i, &needs);
            int longest = -1;
            for (size_t n = 0; n < needs; n++) {
                assert_true(place[needed[n]] < place[i]);
                if (wave[needed[n]] > longest)
                    longest = wave[needed[n]];
            }
            assert_int_equal(wave[i], longest + 1);
        }
        graph_free(graph);
    }
}

static void empty_graph__is_fine(void **state)
{
    (void)state;
    struct graph *graph = graph_new();
    size_t order[1];
    assert_true(graph_order(graph, order, NULL));
    graph_waves(graph, NULL);
    graph_free(graph);
    graph_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order__puts_needs_first_and_keeps_the_order_added),
        cmocka_unit_test(order__names_a_cycle),
        cmocka_unit_test(order__holds_for_random_graphs),
        cmocka_unit_test(empty_graph__is_fine),
    };
    return cmocka_run_group_tests_name("graph", tests, NULL, NULL);
}
