#include "agent/metrics/route_table.h"

#include <algorithm>
#include <array>

namespace sallyport::metrics {
namespace {

/// Takes the next segment off `path`; empty ones are skipped, as the router does.
std::string_view next_segment(std::string_view& path) {
    const std::size_t begin = std::min(path.find_first_not_of('/'), path.size());
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view segment = path.substr(begin, end - begin);
    path.remove_prefix(end);
    return segment;
}

constexpr std::array<std::string_view, 45> RestTemplates{
    "/",
    "/healthcheck",
    "/metrics",
    "/v1",
    "/v1/secrets",
    "/v1/secrets/{secret}",
    "/v1/secrets/{secret}/payload",
    "/v1/secrets/{secret}/acl",
    "/v1/secrets/{secret}/metadata",
    "/v1/secrets/{secret}/metadata/{key}",
    "/v1/secrets/{secret}/consumers",
    "/v1/orders",
    "/v1/orders/{order}",
    "/v1/containers",
    "/v1/containers/{container}",
    "/v1/containers/{container}/acl",
    "/v1/containers/{container}/secrets",
    "/v1/containers/{container}/consumers",
    "/v1/containers/{container}/consumers/{consumer}",
    "/v1/quotas",
    "/v1/project-quotas",
    "/v1/project-quotas/{project}",
    "/v1/transport_keys",
    "/v1/transport_keys/{key}",
    "/v1/secret-stores",
    "/v1/secret-stores/global-default",
    "/v1/secret-stores/preferred",
    "/v1/secret-stores/{store}",
    "/v1/secret-stores/{store}/preferred",
    "/sallyport/v1/status",
    "/sallyport/v1/volumes",
    "/sallyport/v1/volumes/format",
    "/sallyport/v1/volumes/open",
    "/sallyport/v1/volumes/close",
    "/sallyport/v1/volumes/test",
    "/sallyport/v1/volumes/encrypt",
    "/sallyport/v1/volumes/decrypt",
    "/sallyport/v1/volumes/{name}",
    "/sallyport/v1/libvirt",
    "/sallyport/v1/libvirt/inject",
    "/sallyport/v1/libvirt/drop",
    "/sallyport/v1/keks",
    "/sallyport/v1/keks/rotate",
    "/sallyport/v1/keks/rewrap",
    "/sallyport/v1/{*}",
};

constexpr std::array<std::string_view, 4> ObjectTemplates{
    "/info",
    "/v1/{account}",
    "/v1/{account}/{container}",
    "/v1/{account}/{container}/{*}",
};

}  // namespace

RouteTable::RouteTable(std::span<const std::string_view> templates) : nodes_(1) {
    for (const std::string_view text : templates) {
        add(text, static_cast<std::uint32_t>(names_.size()));
        names_.emplace_back(text);
    }
    names_.emplace_back("other");
}

void RouteTable::add(std::string_view text, std::uint32_t number) {
    std::uint32_t node = 0;
    for (;;) {
        const std::string_view segment = next_segment(text);
        if (segment.empty()) break;
        if (segment == "{*}") {
            nodes_[node].and_more = number;
            return;
        }
        node = child(node, segment);
    }
    nodes_[node].here = number;
}

std::uint32_t RouteTable::child(std::uint32_t node, std::string_view segment) {
    const auto fresh = static_cast<std::uint32_t>(nodes_.size());
    if (segment.starts_with('{')) {
        if (nodes_[node].any != None) return nodes_[node].any;
        nodes_[node].any = fresh;
    } else {
        for (const auto& [text, next] : nodes_[node].literals) {
            if (text == segment) return next;
        }
        nodes_[node].literals.emplace_back(segment, fresh);
    }
    nodes_.emplace_back();
    return fresh;
}

std::uint32_t RouteTable::find(std::string_view target) const noexcept {
    std::string_view path = target.substr(0, target.find('?'));
    const std::uint32_t other = size() - 1;
    std::uint32_t wider = other;  // the last template on the way that takes all the rest
    std::uint32_t node = 0;
    for (;;) {
        const std::string_view segment = next_segment(path);
        const Node& at = nodes_[node];
        if (segment.empty()) return at.here != None ? at.here : wider;
        if (at.and_more != None) wider = at.and_more;
        std::uint32_t next = at.any;
        for (const auto& [text, literal] : at.literals) {
            if (text == segment) next = literal;
        }
        if (next == None) return wider;
        node = next;
    }
}

const RouteTable& rest_routes() {
    static const RouteTable table(RestTemplates);
    return table;
}

const RouteTable& object_routes() {
    static const RouteTable table(ObjectTemplates);
    return table;
}

}  // namespace sallyport::metrics
