#pragma once

#include <boost/json/value.hpp>

#include <functional>
#include <string>
#include <vector>

#include "agent/cli/agent_client.h"
#include "agent/cli/command.h"
#include "agent/cli/output.h"
#include "keymanager/base/result.h"

/// What the nouns for the REST API's objects (secret, order, container) share: how one shows, and the verbs that do the
/// same to each.
namespace sallyport::cli {

/// One column of what is printed: the name that the `openstack` client gives it, and the member of the answer.
struct Field {
    const char* column;
    const char* member;
};

/// A kind of object. Constant: actions keep a reference to it.
struct Resource {
    std::string noun;        ///< "secret"; its ref is the member secret_ref of answers
    std::string collection;  ///< "secrets": below /v1/, and the member of a list's answer
    std::vector<Field> fields;
};

std::vector<std::string> columns_of(const Resource& resource);
Record row_of(const Resource& resource, const boost::json::object& answer);

/// The id in an answer that holds a ref: {"secret_ref": ...}.
Result<std::string> id_in(const boost::json::value& answer, const Resource& resource);
Result<Record> describe(AgentClient& agent, const Resource& resource, const std::string& id);
/// GET /v1/{collection}{query}, printed as a list. `query` begins with "?".
Result<void> print_resources(CliContext& context, const Resource& resource, const std::string& query);
/// The rows that a list's answer holds under `member`. Error: `Corrupt`.
Result<std::vector<boost::json::object>> items_of(const boost::json::value& answer, std::string_view member);

/// --limit and --offset of a list.
struct Paging {
    int limit = 10;
    int offset = 0;

    std::string query() const;  ///< "?limit=10&offset=0"
};
void add_paging_options(CLI::App& verb, Paging& paging);
/// As a part of a path or query.
std::string encoded(const std::string& text);
/// "&name=value" for a query, encoded; nothing for an empty value.
std::string query_part(std::string_view name, const std::string& value);

/// `list` with no options but paging.
void add_plain_list(CLI::App& noun, CliContext& context, const Resource& resource, const VerbText& text);
/// `delete ID...`: stops at the first that cannot be deleted, and says how far it came.
void add_delete(CLI::App& noun, CliContext& context, const Resource& resource, const std::string& description);
/// A verb that takes one id or ref; the action is handed the id.
CLI::App& add_verb_on_one(CLI::App& noun, CliContext& context, const Resource& resource, const VerbText& text,
                          std::function<Result<void>(const std::string& id)> action);

}  // namespace sallyport::cli
