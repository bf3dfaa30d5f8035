#include "keymanager/core/total_cache.h"

#include <fmt/format.h>

#include <array>
#include <vector>

namespace sallyport::core {
namespace {

/// With its length before it, so that no two lists have the same name.
void add_text(std::string& list, const std::optional<std::string>& text) {
    if (!text) {
        list += '-';
        return;
    }
    list += fmt::format("{}:", text->size());
    list += *text;
}

/// Everything that a list is filtered by; not its order.
std::string name_of(const ProjectId& project, const model::SecretFilter& filter) {
    std::string list;
    add_text(list, project.str());
    add_text(list, filter.acl_only ? std::optional(filter.acl_only->str()) : std::nullopt);
    for (const auto* text : {&filter.name, &filter.algorithm, &filter.mode, &filter.secret_type}) add_text(list, *text);
    list += filter.bits ? fmt::format("{};", *filter.bits) : "-";
    for (const auto* bounds : {&filter.created, &filter.updated, &filter.expiration}) {
        for (const model::TimeBound& bound : *bounds) {
            list += fmt::format("{}@{},", static_cast<int>(bound.op), bound.time.time_since_epoch().count());
        }
        list += ';';
    }
    return list;
}

}  // namespace

std::optional<long> TotalCache::find(const ProjectId& project, const model::SecretFilter& filter,
                                     const db::CommitMark& mark, Timestamp now) {
    const auto kept = totals_.find(name_of(project, filter), mark);
    if (!kept || kept->until <= now) return std::nullopt;
    return kept->count;
}

void TotalCache::put(const ProjectId& project, const model::SecretFilter& filter, const db::CommitMark& read_at,
                     const Total& total) {
    totals_.put(name_of(project, filter), read_at, total);
}

}  // namespace sallyport::core
