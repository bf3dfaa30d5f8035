#include "agent/cli/resources.h"

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <boost/url/encode.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>
#include <fmt/format.h>

#include <memory>
#include <utility>

#include "agent/cli/refs.h"

namespace sallyport::cli {
namespace {

namespace json = boost::json;

// For the examples in --help.
constexpr const char* SomeId = "6f0d2f6e-9b2c-4a43-8f0e-0f5c6f2f4a11";

Result<void> remove_all(CliContext& context, const Resource& resource, const std::vector<std::string>& refs) {
    AgentClient agent = TRY(AgentClient::from_config(context));
    std::size_t done = 0;
    for (const std::string& ref : refs) {
        const Result<std::string> id = id_of(ref, resource.noun);
        const Result<json::value> removed =
            id ? agent.call("DELETE", fmt::format("/v1/{}/{}", resource.collection, *id))
               : Result<json::value>(id.error());
        if (!removed) {
            if (done > 0) context.exit_status = ExitStatus::Partly;
            return Error{removed.error().code,
                         fmt::format("{}: {}{}", ref, removed.error().message,
                                     done > 0 ? fmt::format(" ({} of {} deleted)", done, refs.size()) : ""),
                         removed.error().detail};
        }
        ++done;
    }
    return {};
}

}  // namespace

std::vector<std::string> columns_of(const Resource& resource) {
    std::vector<std::string> columns;
    for (const Field& field : resource.fields) columns.emplace_back(field.column);
    return columns;
}

Record row_of(const Resource& resource, const json::object& answer) {
    Record row;
    for (const Field& field : resource.fields) copy_field(row, field.column, answer, field.member);
    return row;
}

Result<std::string> id_in(const json::value& answer, const Resource& resource) {
    const std::string member = resource.noun + "_ref";
    const json::value* const ref = answer.is_object() ? answer.get_object().if_contains(member) : nullptr;
    if (ref == nullptr || !ref->is_string()) {
        return Error{Code::Corrupt, "the agent's answer has no " + member, {}};
    }
    return id_of(std::string(ref->get_string()), resource.noun);
}

Result<Record> describe(AgentClient& agent, const Resource& resource, const std::string& id) {
    const json::value answer = TRY(agent.call("GET", fmt::format("/v1/{}/{}", resource.collection, id)));
    if (!answer.is_object()) return Error{Code::Corrupt, "the agent's answer is no " + resource.noun, {}};
    return row_of(resource, answer.get_object());
}

Result<std::vector<json::object>> items_of(const json::value& answer, std::string_view member) {
    const json::value* const list = answer.is_object() ? answer.get_object().if_contains(member) : nullptr;
    if (list == nullptr || !list->is_array()) return Error{Code::Corrupt, "the agent's answer is no list", {}};
    std::vector<json::object> items;
    for (const json::value& item : list->get_array()) {
        if (item.is_object()) items.push_back(item.get_object());
    }
    return items;
}

Result<void> print_resources(CliContext& context, const Resource& resource, const std::string& query) {
    AgentClient agent = TRY(AgentClient::from_config(context));
    const json::value answer = TRY(agent.call("GET", fmt::format("/v1/{}{}", resource.collection, query)));
    std::vector<Record> rows;
    for (const json::object& item : TRY(items_of(answer, resource.collection))) rows.push_back(row_of(resource, item));
    return print_list(context, columns_of(resource), rows);
}

std::string Paging::query() const { return fmt::format("?limit={}&offset={}", limit, offset); }

void add_paging_options(CLI::App& verb, Paging& paging) {
    verb.add_option("-l,--limit", paging.limit, "How many at most, up to 100")->capture_default_str();
    verb.add_option("-o,--offset", paging.offset, "How many to pass over")->capture_default_str();
}

std::string encoded(const std::string& text) { return boost::urls::encode(text, boost::urls::unreserved_chars); }

std::string query_part(std::string_view name, const std::string& value) {
    if (value.empty()) return {};
    return fmt::format("&{}={}", name, encoded(value));
}

void add_plain_list(CLI::App& noun, CliContext& context, const Resource& resource, const VerbText& text) {
    const auto paging = std::make_shared<Paging>();
    CLI::App& verb = add_verb(noun, context, text);
    add_paging_options(verb, *paging);
    set_action(verb, context,
               [paging, &resource, &context] { return print_resources(context, resource, paging->query()); });
}

void add_delete(CLI::App& noun, CliContext& context, const Resource& resource, const std::string& description) {
    const auto refs = std::make_shared<std::vector<std::string>>();
    CLI::App& verb =
        add_verb(noun, context, {"delete", description, fmt::format("sallyport {} delete {}", resource.noun, SomeId)});
    verb.add_option("ID", *refs, "Ids or refs")->required();
    set_action(verb, context, [refs, &resource, &context] { return remove_all(context, resource, *refs); });
}

CLI::App& add_verb_on_one(CLI::App& noun, CliContext& context, const Resource& resource, const VerbText& text,
                          std::function<Result<void>(const std::string& id)> action) {
    const auto ref = std::make_shared<std::string>();
    CLI::App& verb = add_verb(noun, context, text);
    verb.add_option("ID", *ref, "Id or ref")->required();
    set_action(verb, context, [ref, &resource, action = std::move(action)]() -> Result<void> {
        return action(TRY(id_of(*ref, resource.noun)));
    });
    return verb;
}

}  // namespace sallyport::cli
