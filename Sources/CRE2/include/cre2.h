#pragma once
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/// A compiled regular expression of libre2. Safe for use by any number of threads at once.
typedef struct cre2_regex cre2_regex;

/// A capture: `start` is NULL where the group did not take part.
typedef struct {
    const char *_Nullable start;
    size_t length;
} cre2_group;

/// Compiles `pattern` (UTF-8; dot matches newline, no limit on matches but `memory_bytes_max` on the
/// program). Never NULL; ask `cre2_error`.
cre2_regex *_Nonnull cre2_new(const char *_Nonnull pattern, size_t length, size_t memory_bytes_max);
void cre2_delete(cre2_regex *_Nonnull regex);
/// NULL where the pattern compiled, else the reason, owned by `regex`.
const char *_Nullable cre2_error(const cre2_regex *_Nonnull regex);
/// The number of capturing groups, without group 0.
int cre2_group_count(const cre2_regex *_Nonnull regex);
/// The number of the group `name`, or -1.
int cre2_named_group(const cre2_regex *_Nonnull regex, const char *_Nonnull name, size_t length);
/// Whether the whole of `text` matches. `groups` gets `group_count` entries, group 0 first.
bool cre2_full_match(
    const cre2_regex *_Nonnull regex, const char *_Nullable text, size_t length,
    cre2_group *_Nullable groups, int group_count);

#ifdef __cplusplus
}
#endif
