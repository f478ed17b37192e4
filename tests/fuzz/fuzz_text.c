/* SPDX-License-Identifier: ISC */
/* Git names and other text on its way to the screen: valid, without controls, stable, measurable. */
#include "berth/base/text.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_visible(const char *bytes, size_t count, enum text_form form)
{
    struct str out = STR_INIT, again = STR_INIT, fitted = STR_INIT;
    text_visible(&out, bytes, count, form);
    BUG_ON(!text_valid(out.data, out.length));
    BUG_ON(strlen(out.data) != out.length);
    for (size_t i = 0; i < out.length; i++) {
        unsigned char byte = (unsigned char)out.data[i];
        BUG_ON(byte == 0x7f || (byte < 0x20 && !(byte == '\n' && form == TEXT_LINES)));
        BUG_ON(byte == 0xc2 && (unsigned char)out.data[i + 1] < 0xa0);
    }
    text_visible(&again, out.data, out.length, form);
    BUG_ON(strcmp(out.data, again.data) != 0); /* what is harmless stays as it is */
    int width = text_width(out.data);
    for (int cells = 0; cells < 12; cells++) {
        str_clear(&fitted);
        int used = text_fit(&fitted, out.data, cells, cells & 1);
        BUG_ON(used > cells || !text_valid(fitted.data, fitted.length));
        BUG_ON(width <= cells && strcmp(fitted.data, out.data) != 0 && cells > 0);
    }
    str_release(&out);
    str_release(&again);
    str_release(&fitted);
}

static void check_slug(const char *text)
{
    struct str slug = STR_INIT, quoted = STR_INIT;
    text_slug(&slug, text, 20);
    BUG_ON(slug.length == 0 || slug.length > 20 || slug.data[0] < 'a' || slug.data[0] > 'z');
    BUG_ON(strspn(slug.data, "abcdefghijklmnopqrstuvwxyz0123456789-") != slug.length);
    BUG_ON(slug.data[slug.length - 1] == '-');
    text_shell_quote(&quoted, text);
    text_json_quote(&quoted, text, strlen(text));
    BUG_ON(text_valid(text, strlen(text)) && !text_valid(quoted.data, quoted.length));
    str_release(&slug);
    str_release(&quoted);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = STR_INIT;
    check_visible((const char *)data, size, TEXT_ONE_LINE);
    check_visible((const char *)data, size, TEXT_LINES);
    str_add_bytes(&text, data, size);
    check_slug(text.data);
    size_t half = strlen(text.data) / 2;
    (void)text_glob(text.data + half, text.data);
    (void)text_distance(text.data, text.data + half);
    str_release(&text);
    return 0;
}
