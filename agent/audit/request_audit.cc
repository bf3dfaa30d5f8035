#include "agent/audit/request_audit.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "keymanager/base/bytes.h"
#include "keymanager/base/log.h"

namespace sallyport::audit {
namespace {

/// The segments of a path, as far as a name needs them.
struct Segments {
    std::array<std::string_view, 6> at{};
    std::size_t count = 0;
};

Segments segments_of(std::string_view target) {
    std::string_view path = target.substr(0, target.find('?'));
    Segments segments;
    while (segments.count < segments.at.size()) {
        const std::size_t begin = path.find_first_not_of('/');
        if (begin == std::string_view::npos) break;
        const std::size_t end = std::min(path.find('/', begin), path.size());
        segments.at[segments.count++] = path.substr(begin, end - begin);
        path.remove_prefix(end);
    }
    return segments;
}

bool is_read(std::string_view method) { return method == "GET" || method == "HEAD"; }

std::string_view verb_of(std::string_view method) {
    if (is_read(method)) return "read";
    if (method == "POST") return "create";
    if (method == "PUT") return "update";
    if (method == "PATCH") return "change";
    if (method == "DELETE") return "delete";
    return "other";
}

/// "secret" for "secrets"; "status" stays.
std::string_view singular(std::string_view collection) {
    if (collection.ends_with('s') && !collection.ends_with("us")) collection.remove_suffix(1);
    return collection;
}

bool is_word(std::string_view text) {
    return !text.empty() && text.size() <= 32 &&
           text.find_first_not_of("abcdefghijklmnopqrstuvwxyz-_") == std::string_view::npos;
}

std::string rest_event(std::string_view method, const Segments& segments) {
    if (segments.count < 2 || !is_word(segments.at[1])) return {};
    std::string name(singular(segments.at[1]));
    if (segments.count >= 4 && is_word(segments.at[3])) name.append(".").append(segments.at[3]);
    return name.append(".").append(verb_of(method));
}

/// /sallyport/v1/volumes/open: the last word says what is done.
std::string node_event(std::string_view method, const Segments& segments) {
    if (segments.count < 3 || !is_word(segments.at[2])) return {};
    std::string name(segments.at[2] == "libvirt" ? segments.at[2] : singular(segments.at[2]));
    const bool has_verb = segments.count >= 4 && !is_read(method) && is_word(segments.at[3]);
    return name.append(".").append(has_verb ? segments.at[3] : verb_of(method));
}

bool is_node(const Segments& segments) { return segments.count > 0 && segments.at[0] == "sallyport"; }

const std::string* header_of(const api::Response& response, std::string_view name) {
    for (const auto& [key, value] : response.headers) {
        const bool same =
            key.size() == name.size() && std::equal(key.begin(), key.end(), name.begin(), [](char a, char b) {
                return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
            });
        if (same) return &value;
    }
    return nullptr;
}

/// An answer to a read that holds a key: a payload (also by the older way, GET /v1/secrets/{id} with another type than
/// JSON), or an order, which may show a passphrase.
bool releases_key(const api::Request& request, const Segments& segments, const api::Response& response) {
    if (!is_read(request.method) || segments.count < 3 || response.status != 200) return false;
    if (segments.at[1] == "orders") return true;
    if (segments.at[1] != "secrets") return false;
    if (segments.count == 4) return segments.at[3] == "payload";
    const std::string* type = header_of(response, "content-type");
    return segments.count == 3 && (type == nullptr || !type->starts_with("application/json"));
}

/// Could an answer to this request need a line? Decided before it is served.
bool may_need_line(const api::Request& request, const Segments& segments) {
    if (segments.count == 0 || (segments.at[0] != "v1" && !is_node(segments))) return false;
    if (!is_read(request.method)) return true;
    return segments.count >= 3 && !is_node(segments) && (segments.at[1] == "secrets" || segments.at[1] == "orders");
}

Outcome outcome_of(int status) {
    if (status == 401 || status == 403) return Outcome::Refused;
    return status >= 200 && status < 400 ? Outcome::Done : Outcome::Failed;
}

std::string source_of(const http::Peer& peer) {
    if (!peer.credentials) return peer.address;
    return fmt::format("unix:uid={},pid={}", peer.credentials->uid, peer.credentials->pid);
}

/// Node routes take ids, names and paths in JSON, never a secret: those that say what was done to what, and what the
/// line calls them. The line's own `project` is the caller's.
struct NodeMember {
    std::string_view in_body;
    std::string_view in_line;
};
constexpr std::array<NodeMember, 10> NodeMembers{{{"device", "device"},
                                                  {"name", "name"},
                                                  {"secret", "secret"},
                                                  {"volume", "volume"},
                                                  {"key", "key"},
                                                  {"domain", "domain"},
                                                  {"image", "image"},
                                                  {"source", "source"},
                                                  {"destination", "destination"},
                                                  {"project", "target_project"}}};

std::vector<std::pair<std::string_view, std::string>> node_facts(const api::Request& request) {
    std::vector<std::pair<std::string_view, std::string>> facts;
    boost::json::error_code failed;
    const boost::json::value body = boost::json::parse(text_of(request.body.reveal()), failed);
    if (failed || !body.is_object()) return facts;
    for (const NodeMember& member : NodeMembers) {
        const boost::json::value* value = body.get_object().if_contains(member.in_body);
        if (value != nullptr && value->is_string()) facts.emplace_back(member.in_line, value->get_string());
    }
    return facts;
}

}  // namespace

std::string event_name(std::string_view method, std::string_view target) {
    const Segments segments = segments_of(target);
    if (is_node(segments)) return node_event(method, segments);
    return rest_event(method, segments);
}

Result<void> RequestAudit::admit(const api::Request& request) {
    if (!may_need_line(request, segments_of(request.target))) return {};
    return log_.admit();
}

Result<void> RequestAudit::record(const api::Request& request, const core::Caller* caller, const http::Peer& peer,
                                  const api::Response& response) {
    const Segments segments = segments_of(request.target);
    if (segments.count == 0 || (segments.at[0] != "v1" && !is_node(segments))) return {};
    const bool releases = releases_key(request, segments, response);
    const Outcome outcome = outcome_of(response.status);
    if (is_read(request.method) && !releases && outcome != Outcome::Refused) return {};
    // Who nobody knows changes nothing and learns nothing; lines for that would let anybody fill the disk.
    if (response.status == 401) return {};
    const std::string name = event_name(request.method, request.target);
    const std::string source = source_of(peer);
    Event event{.name = name.empty() ? std::string_view("unknown") : std::string_view(name),
                .outcome = outcome,
                .status = response.status,
                .id = {}};
    std::vector<std::pair<std::string_view, std::string>> facts;
    if (is_node(segments)) {
        facts = node_facts(request);
        for (const auto& [member, value] : facts) event.facts.emplace_back(member, value);
    } else if (segments.count >= 3) {
        event.id = segments.at[2];
    } else if (const std::string* location = header_of(response, "location")) {
        event.id = std::string_view(*location).substr(location->rfind('/') + 1);
    }
    if (caller != nullptr) {
        event.user = caller->user.str();
        event.project = caller->project.str();
        event.roles = &caller->roles;
    }
    event.source = source;
    event.request_id = request.request_id;
    return write(event, releases);
}

Result<void> RequestAudit::record_use(std::string_view event, const core::Caller& caller, const SecretId& id,
                                      Outcome outcome) {
    return write({.name = event,
                  .outcome = outcome,
                  .id = id.str(),
                  .user = caller.user.str(),
                  .project = caller.project.str(),
                  .roles = &caller.roles,
                  .source = "this node",
                  .request_id = LogScope::current()},
                 outcome == Outcome::Done);
}

void RequestAudit::record_plain(std::string_view event,
                                std::vector<std::pair<std::string_view, std::string_view>> facts) {
    static_cast<void>(write({.name = event, .id = {}, .facts = std::move(facts)}, false));
}

Result<void> RequestAudit::write(const Event& event, bool releases_key) {
    auto written = log_.record(event);
    if (written) return {};
    if (releases_key && log_.must_refuse()) return written;
    // Said here in full, since the audit log has it not.
    log_error("audit: not written: {} of {} by user {} of project {}: {} ({})", event.name, event.id, event.user,
              event.project, event.status, event.request_id);
    return {};
}

}  // namespace sallyport::audit
