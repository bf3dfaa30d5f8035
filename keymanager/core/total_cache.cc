#include "keymanager/core/total_cache.h"

#include <fmt/format.h>

#include <array>
#include <vector>

namespace sallyport::core {
namespace {

/// With its length before it, so that no two lists have the same key.
void add_text(std::string& key, const std::optional<std::string>& text) {
    if (!text) {
        key += '-';
        return;
    }
    key += fmt::format("{}:", text->size());
    key += *text;
}

/// Everything that a list is filtered by; not its order.
std::string key_of(const ProjectId& project, const model::SecretFilter& filter) {
    std::string key;
    add_text(key, project.str());
    add_text(key, filter.acl_only ? std::optional(filter.acl_only->str()) : std::nullopt);
    for (const auto* text : {&filter.name, &filter.algorithm, &filter.mode, &filter.secret_type}) add_text(key, *text);
    key += filter.bits ? fmt::format("{};", *filter.bits) : "-";
    for (const auto* bounds : {&filter.created, &filter.updated, &filter.expiration}) {
        for (const model::TimeBound& bound : *bounds) {
            key += fmt::format("{}@{},", static_cast<int>(bound.op), bound.time.time_since_epoch().count());
        }
        key += ';';
    }
    return key;
}

}  // namespace

std::optional<long> TotalCache::find(const ProjectId& project, const model::SecretFilter& filter,
                                     const db::CommitMark& mark, Timestamp now) {
    const auto kept = totals_.find(key_of(project, filter), mark);
    if (!kept || kept->until <= now) return std::nullopt;
    return kept->count;
}

void TotalCache::put(const ProjectId& project, const model::SecretFilter& filter, const db::CommitMark& read_at,
                     const Total& total) {
    totals_.put(key_of(project, filter), read_at, total);
}

}  // namespace sallyport::core
