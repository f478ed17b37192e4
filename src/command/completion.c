/* SPDX-License-Identifier: ISC */
/*
 * Completion for bash, zsh and fish, from the table. Names of branches and environments come from outside: they are asked of `berth
 * completion --names` when needed, read as lines and quoted by the shell, and never expanded.
 */
#include "command/table.h"

#include "berth/base/str.h"

/* What `--names` gives for an argument, or NULL. */
static const char *names_of(const struct verb_argument *argument)
{
    switch (argument->type) {
    case ARGUMENT_ENVIRONMENT: return "environments";
    case ARGUMENT_BRANCH_OR_ENVIRONMENT: return "targets";
    case ARGUMENT_REF: return "branches";
    case ARGUMENT_RUN:
    case ARGUMENT_RUN_STEP: return "runs";
    case ARGUMENT_TEXT:
    case ARGUMENT_DURATION:
    case ARGUMENT_INSTANT:
    case ARGUMENT_PAIR:
    case ARGUMENT_NUMBER:
    case ARGUMENT_FLAG:
    case ARGUMENT_CHOICE:
    case ARGUMENT_CRON:
    case ARGUMENT_REST:
    case ARGUMENT_TIER:
    case ARGUMENT_DIGEST: break;
    }
    return NULL;
}

/* Words that are known now: a choice's, the tiers, for help and why the verbs. Separated by `separator`. */
static bool add_fixed(struct verb_table table, const struct verb_argument *argument, char separator, struct str *out)
{
    if (argument->type == ARGUMENT_CHOICE) {
        for (const char *at = argument->choices; *at != '\0'; at++)
            str_add_char(out, *at == '|' ? separator : *at);
        return true;
    }
    if (argument->type == ARGUMENT_TIER) {
        for (int tier = TIER_LOCAL; tier <= TIER_PROD; tier++)
            str_addf(out, "%s%c", word_name(tier_names, tier), separator);
        str_add(out, "all");
        return true;
    }
    if (!argument->positional || !text_equal(argument->name, "verb"))
        return false;
    for (size_t i = 0; i < table.count; i++) {
        if (i > 0)
            str_add_char(out, separator);
        str_add(out, table.verbs[i].name);
    }
    return true;
}

static void add_verb_options(const struct verb *verb, char separator, struct str *out)
{
    for (const struct verb_argument *argument = verb->arguments; argument->name != NULL; argument++) {
        if (!argument->positional)
            str_addf(out, "--%s%c", argument->name, separator);
    }
    for (const struct verb_argument *argument = shared_arguments(); argument->name != NULL; argument++) {
        if (has_shared(verb, argument))
            str_addf(out, "--%s%c", argument->name, separator);
    }
}

static void add_verb_names(struct verb_table table, struct str *out)
{
    for (size_t i = 0; i < table.count; i++)
        str_addf(out, "%s%s", i > 0 ? " " : "", table.verbs[i].name);
}

/* One case arm "PATTERN) ACTION ;;" for what may stand there; nothing when nothing is known. */
static void add_arm(struct verb_table table, const char *pattern, const struct verb_argument *argument, struct str *out)
{
    struct str words = STR_INIT;

    if (names_of(argument) != NULL)
        str_addf(out, "    %s) _berth_names %s ;;\n", pattern, names_of(argument));
    else if (add_fixed(table, argument, ' ', &words))
        str_addf(out, "    %s) _berth_words %s ;;\n", pattern, words.data);
    str_release(&words);
}

/* The three tables of bash and zsh: values of options, words by position, options of a verb. */
static void add_cases(struct verb_table table, struct str *out)
{
    str_add(out, "  case \"$verb $previous\" in\n");
    for (size_t i = 0; i < table.count; i++) {
        for (const struct verb_argument *argument = table.verbs[i].arguments; argument->name != NULL; argument++) {
            struct str pattern = STR_INIT;

            str_addf(&pattern, "\"%s --%s\"", table.verbs[i].name, argument->name);
            if (!argument->positional && argument->type != ARGUMENT_FLAG)
                add_arm(table, pattern.data, argument, out);
            str_release(&pattern);
        }
    }
    str_add(out, "  esac\n  [ \"$taken\" = yes ] && return\n  case \"$current\" in -*)\n    case \"$verb\" in\n");
    for (size_t i = 0; i < table.count; i++) {
        str_addf(out, "    %s) _berth_words ", table.verbs[i].name);
        add_verb_options(&table.verbs[i], ' ', out);
        str_add(out, ";;\n");
    }
    str_add(out, "    esac\n    return ;;\n  esac\n  case \"$verb $place\" in\n");
    for (size_t i = 0; i < table.count; i++) {
        int place = 0;

        for (const struct verb_argument *argument = table.verbs[i].arguments; argument->name != NULL; argument++) {
            struct str pattern = STR_INIT;

            if (!argument->positional)
                continue;
            str_addf(&pattern, "\"%s %d\"", table.verbs[i].name, place++);
            add_arm(table, pattern.data, argument, out);
            str_release(&pattern);
        }
    }
    str_add(out, "  esac\n");
}

static void add_bash(struct verb_table table, struct str *out)
{
    str_add(
        out,
        "# completion of berth for bash: source <(berth completion bash)\n"
        "_berth_add() {\n"
        "  case \"$1\" in \"$current\"*) COMPREPLY+=(\"$(printf '%q' \"$1\")\") ;; esac\n"
        "}\n"
        "_berth_names() {\n"
        "  local name\n"
        "  taken=yes\n"
        "  while IFS= read -r name; do _berth_add \"$name\"; done < <(berth \"${where[@]}\" completion --names \"$1\" 2>/dev/null)\n"
        "}\n"
        "_berth_words() {\n"
        "  local word\n"
        "  taken=yes\n"
        "  for word in \"$@\"; do _berth_add \"$word\"; done\n"
        "}\n"
        "_berth() {\n"
        "  local current previous verb='' taken='' place=-1 i\n"
        "  local -a where=()\n"
        "  COMPREPLY=()\n"
        "  current=${COMP_WORDS[COMP_CWORD]}\n"
        "  previous=${COMP_WORDS[COMP_CWORD-1]}\n"
        "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
        "    case \"$verb ${COMP_WORDS[i]}\" in\n"
        "    ' -C' | ' --workspace') where=(-C \"${COMP_WORDS[i+1]}\"); i=$((i + 1)); continue ;;\n"
        "    ' --theme' | ' --view') i=$((i + 1)); continue ;;\n"
        "    *' '-*) continue ;;\n"
        "    esac\n"
        "    [ -n \"$verb\" ] || verb=${COMP_WORDS[i]}\n"
        "    place=$((place + 1))\n"
        "  done\n"
        "  if [ -z \"$verb\" ]; then _berth_words ");
    add_verb_names(table, out);
    str_add(out, "; return; fi\n");
    add_cases(table, out);
    str_add(out, "}\ncomplete -F _berth berth\n");
}

static void add_zsh(struct verb_table table, struct str *out)
{
    str_add(out, "#compdef berth\n"
                 "# completion of berth for zsh: berth completion zsh > a folder of fpath/_berth\n"
                 "_berth_names() {\n"
                 "  local -a names\n"
                 "  taken=yes\n"
                 "  names=(\"${(@f)$(berth $where completion --names $1 2>/dev/null)}\")\n"
                 "  compadd -- \"${names[@]}\"\n"
                 "}\n"
                 "_berth_words() {\n"
                 "  taken=yes\n"
                 "  compadd -- \"$@\"\n"
                 "}\n"
                 "_berth() {\n"
                 "  local current=$words[CURRENT] previous=$words[CURRENT-1] verb='' taken='' place=-1 i\n"
                 "  local -a where=()\n"
                 "  for ((i = 2; i < CURRENT; i++)); do\n"
                 "    case \"$verb $words[i]\" in\n"
                 "    ' -C' | ' --workspace') where=(-C \"$words[i+1]\"); i=$((i + 1)); continue ;;\n"
                 "    ' --theme' | ' --view') i=$((i + 1)); continue ;;\n"
                 "    *' '-*) continue ;;\n"
                 "    esac\n"
                 "    [ -n \"$verb\" ] || verb=$words[i]\n"
                 "    place=$((place + 1))\n"
                 "  done\n"
                 "  if [ -z \"$verb\" ]; then _berth_words ");
    add_verb_names(table, out);
    str_add(out, "; return; fi\n");
    add_cases(table, out);
    str_add(out, "}\nif [ \"$funcstack[1]\" = _berth ]; then _berth \"$@\"; else compdef _berth berth; fi\n");
}

/* fish's single quotes: backslash and quote are escaped. */
static void add_fish_text(const char *text, struct str *out)
{
    str_add_char(out, '\'');
    for (; *text != '\0'; text++) {
        if (*text == '\'' || *text == '\\')
            str_add_char(out, '\\');
        str_add_char(out, *text);
    }
    str_add_char(out, '\'');
}

static void add_fish_argument(struct verb_table table, const struct verb *verb, const struct verb_argument *argument,
                              struct str *out)
{
    struct str words = STR_INIT;

    str_addf(out, "complete -c berth -n '__fish_seen_subcommand_from %s'", verb->name);
    if (!argument->positional)
        str_addf(out, " -l %s", argument->name);
    if (!argument->positional && argument->letter != 0)
        str_addf(out, " -s %c", argument->letter);
    if (!argument->positional && argument->type != ARGUMENT_FLAG)
        str_add(out, " -x");
    if (names_of(argument) != NULL)
        str_addf(out, " -a '(berth completion --names %s 2>/dev/null)'", names_of(argument));
    else if (add_fixed(table, argument, ' ', &words))
        str_addf(out, " -a '%s'", words.data);
    str_add(out, " -d ");
    add_fish_text(argument->help, out);
    str_add_char(out, '\n');
    str_release(&words);
}

static void add_fish(struct verb_table table, struct str *out)
{
    str_add(out, "# completion of berth for fish: berth completion fish | source\ncomplete -c berth -f\n");
    for (size_t i = 0; i < table.count; i++) {
        const struct verb *verb = &table.verbs[i];

        str_addf(out, "complete -c berth -n __fish_use_subcommand -a %s -d ", verb->name);
        add_fish_text(verb->help, out);
        str_add_char(out, '\n');
        for (const struct verb_argument *argument = verb->arguments; argument->name != NULL; argument++)
            add_fish_argument(table, verb, argument, out);
        for (const struct verb_argument *argument = shared_arguments(); argument->name != NULL; argument++) {
            if (has_shared(verb, argument))
                add_fish_argument(table, verb, argument, out);
        }
    }
}

void table_completion(struct verb_table table, const char *shell, struct str *out)
{
    if (text_equal(shell, "bash"))
        add_bash(table, out);
    else if (text_equal(shell, "zsh"))
        add_zsh(table, out);
    else if (text_equal(shell, "fish"))
        add_fish(table, out);
}

void verbs_completion(const char *shell, struct str *out)
{
    table_completion(verb_table, shell, out);
}
