#include "cre2.h"

#include <re2/re2.h>

#include <string>
#include <vector>

struct cre2_regex {
    re2::RE2 regex;
    std::string error;

    cre2_regex(const re2::StringPiece &pattern, const re2::RE2::Options &options)
        : regex(pattern, options), error(regex.error()) {}
};

extern "C" {

cre2_regex *cre2_new(const char *pattern, size_t length, size_t memory_bytes_max) {
    re2::RE2::Options options;
    options.set_log_errors(false);
    options.set_dot_nl(true);
    options.set_max_mem(static_cast<int64_t>(memory_bytes_max));
    return new cre2_regex(re2::StringPiece(pattern, length), options);
}

void cre2_delete(cre2_regex *regex) { delete regex; }

const char *cre2_error(const cre2_regex *regex) {
    return regex->regex.ok() ? nullptr : regex->error.c_str();
}

int cre2_group_count(const cre2_regex *regex) { return regex->regex.NumberOfCapturingGroups(); }

int cre2_named_group(const cre2_regex *regex, const char *name, size_t length) {
    const auto &groups = regex->regex.NamedCapturingGroups();
    auto found = groups.find(std::string(name, length));
    return found == groups.end() ? -1 : found->second;
}

bool cre2_full_match(
    const cre2_regex *regex, const char *text, size_t length, cre2_group *groups,
    int group_count) {
    const char *start = text ? text : "";
    re2::StringPiece input(start, length);
    if (group_count <= 0) {
        return regex->regex.Match(input, 0, length, re2::RE2::ANCHOR_BOTH, nullptr, 0);
    }
    std::vector<re2::StringPiece> pieces(group_count);
    if (!regex->regex.Match(
            input, 0, length, re2::RE2::ANCHOR_BOTH, pieces.data(), group_count)) {
        return false;
    }
    for (int index = 0; index < group_count; index++) {
        groups[index].start = pieces[index].data();
        groups[index].length = pieces[index].size();
    }
    return true;
}
}
