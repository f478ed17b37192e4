/* SPDX-License-Identifier: ISC */
/* Any bytes as YAML: a tree or problems, never both, never a crash; its JSON reads back as itself. */
#include "berth/base/node.h"
#include "berth/base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct problems problems;
    struct str first = STR_INIT, second = STR_INIT;
    problems_init(&problems, &arena);
    struct node *root = node_parse(&arena, "fuzz.yaml", (const char *)data, size, &problems);
    BUG_ON((root == NULL) != (problems.errors > 0));
    if (root) {
        node_to_json(root, &first);
        struct node *again = node_parse(&arena, "again.json", first.data, first.length, &problems);
        if (again) { /* JSON has what libyaml refuses as YAML: keys over 1024 characters, DEL */
            node_to_json(again, &second);
            BUG_ON(!text_equal(first.data, second.data));
        }
    }
    problems_sort(&problems);
    problems_release(&problems);
    arena_release(&arena);
    str_release(&first);
    str_release(&second);
    return 0;
}
