#include "keymanager/db/repository.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "keymanager/base/uuid.h"
#include "keymanager/db/acl_repository.h"
#include "keymanager/db/consumer_repository.h"
#include "keymanager/db/kek_columns.h"
#include "keymanager/db/queries.h"
#include "keymanager/db/session.h"

// How the SQL stays portable: "key" is quoted since MariaDB reserves it; booleans are compared with '0' and '1', which
// SQLite, MariaDB and PostgreSQL each read as their own; every ":name" stands once, in the order of the parameters.
namespace sallyport::db {
namespace {

constexpr std::string_view Active = "ACTIVE";
constexpr std::string_view Pending = "PENDING";

// ---------------------------------------------------------------------------------------------- projects

constexpr Query FindProject{"SELECT id, deleted FROM projects WHERE external_id = :project", 2};
constexpr Query ReviveProject{
    "UPDATE projects SET deleted = '0', deleted_at = NULL, updated_at = :updated WHERE id = :id"};
constexpr Query InsertProject{
    "INSERT INTO projects (id, created_at, updated_at, deleted, status, external_id)"
    " VALUES (:id, :created, :updated, '0', :status, :project)"};

struct ProjectRow {
    ProjectRowId id;
    bool deleted = false;
};

Result<std::optional<ProjectRow>> find_project(Session& session, const ProjectId& project) {
    std::optional<ProjectRow> found;
    TRY(session.select(FindProject, {project}, [&found](Columns& row) -> Result<void> {
        found.emplace();
        found->id = row.id<ProjectRowId>();
        found->deleted = row.flag();
        return row.finish();
    }));
    return found;
}

Result<ProjectRowId> existing_project(Session& session, const ProjectId& project) {
    auto found = TRY(find_project(session, project));
    if (!found) return Error{Code::Internal, "the project has no row yet", project.str()};
    return std::move(found->id);
}

// ---------------------------------------------------------------------------------------------- secrets

/// One list of columns for every SELECT of secrets; take_secret() reads it.
#define SECRET_COLUMNS                                                                                       \
    "s.id, s.name, s.secret_type, s.algorithm, s.bit_length, s.mode, s.expiration, s.creator_id, s.status, " \
    "s.created_at, s.updated_at, p.external_id"
constexpr int SecretColumns = 12;

model::Secret take_secret(Columns& row, Result<void>& sense) {
    model::Secret secret;
    secret.id = row.id<SecretId>();
    secret.attributes.name = row.optional_text();
    const std::string type = row.optional_text().value_or("opaque");
    secret.attributes.algorithm = row.optional_text();
    secret.attributes.bit_length = row.optional_integer();
    secret.attributes.mode = row.optional_text();
    secret.attributes.expiration = row.optional_time();
    secret.creator = row.optional_id<UserId>();
    const std::string status = row.text();
    secret.created = row.time();
    secret.updated = row.time();
    secret.project = row.id<ProjectId>();

    const auto known_type = model::secret_type_from(type);
    const auto known_status = model::status_from(status);
    if (known_type) secret.attributes.type = *known_type;
    if (known_status) secret.status = *known_status;
    if (!known_type || !known_status) {
        sense = Error{Code::Corrupt, "the secret's row is damaged",
                      fmt::format("secret {}: type '{}', status '{}'", secret.id.str(), type, status)};
    }
    return secret;
}

// The ACL and its users come along as a LEFT JOIN: a row for every user, or one without. So does the payload, where
// it is wanted. A secret has at most one live row of encrypted_data.
constexpr Query FindSecret{"SELECT " SECRET_COLUMNS ", e.content_type, " ACL_COLUMNS
                           " FROM secrets s JOIN projects p ON p.id = s.project_id"
                           " LEFT JOIN encrypted_data e ON e.secret_id = s.id AND e.deleted = '0'"
                           " LEFT JOIN secret_acls a ON a.secret_id = s.id AND a.operation = 'read'"
                           " LEFT JOIN secret_acl_users u ON u.acl_id = a.id"
                           " WHERE s.id = :id AND s.deleted = '0' AND (s.expiration IS NULL OR s.expiration > :now)",
                           SecretColumns + 1 + AclColumns};

// The hot path: the KEK's project is the secret's, or the row is damaged, which saves a second look at projects.
constexpr Query FindSecretWithPayload{
    "SELECT " SECRET_COLUMNS ", e.content_type, " ACL_COLUMNS
    ","
    " e.id, e.cypher_text, e.kek_meta_extended,"
    " " KEK_OWN_COLUMNS
    ", CASE WHEN k.project_id = s.project_id THEN p.external_id END"
    " FROM secrets s JOIN projects p ON p.id = s.project_id"
    " LEFT JOIN encrypted_data e ON e.secret_id = s.id AND e.deleted = '0'"
    " LEFT JOIN kek_data k ON k.id = e.kek_id"
    " LEFT JOIN secret_acls a ON a.secret_id = s.id AND a.operation = 'read'"
    " LEFT JOIN secret_acl_users u ON u.acl_id = a.id"
    " WHERE s.id = :id AND s.deleted = '0' AND (s.expiration IS NULL OR s.expiration > :now)",
    SecretColumns + 1 + AclColumns + 3 + KekColumns};

constexpr Query FindPayload{
    "SELECT e.content_type, e.cypher_text, e.kek_meta_extended,"
    " " KEK_COLUMNS
    " FROM encrypted_data e JOIN kek_data k ON k.id = e.kek_id JOIN projects kp ON kp.id = k.project_id"
    " WHERE e.secret_id = :id AND e.deleted = '0'",
    3 + KekColumns};

constexpr Query InsertSecret{
    "INSERT INTO secrets (id, created_at, updated_at, deleted, status, name, secret_type, expiration, algorithm,"
    " bit_length, mode, creator_id, project_id)"
    " VALUES (:id, :created, :updated, '0', :status, :name, :type, :expiration, :algorithm, :bits, :mode, :creator,"
    " :project)"};

constexpr Query CountSecrets{
    "SELECT COUNT(*) FROM secrets s JOIN projects p ON p.id = s.project_id"
    " WHERE p.external_id = :project AND s.deleted = '0' AND (s.expiration IS NULL OR s.expiration > :now)",
    1};

constexpr Query NextExpiration{"SELECT MIN(expiration) FROM secrets WHERE expiration > :now", 1};

/// What a soft delete marks, and under which names the deleted secret is found there.
constexpr Query MarkSecret{
    "UPDATE secrets SET deleted = '1', deleted_at = :deleted, updated_at = :updated"
    " WHERE id = :id AND deleted = '0' AND (expiration IS NULL OR expiration > :now)"};
constexpr std::array MarkChildren{
    Query{"UPDATE encrypted_data SET deleted = '1', deleted_at = :deleted, updated_at = :updated"
          " WHERE secret_id = :id AND deleted = '0'"},
    Query{"UPDATE secret_store_metadata SET deleted = '1', deleted_at = :deleted, updated_at = :updated"
          " WHERE secret_id = :id AND deleted = '0'"},
    Query{"UPDATE secret_user_metadata SET deleted = '1', deleted_at = :deleted, updated_at = :updated"
          " WHERE secret_id = :id AND deleted = '0'"},
    Query{"UPDATE secret_consumer_metadata SET deleted = '1', deleted_at = :deleted, updated_at = :updated"
          " WHERE secret_id = :id AND deleted = '0'"},
    Query{"UPDATE container_secret SET deleted = '1', deleted_at = :deleted, updated_at = :updated"
          " WHERE secret_id = :id AND deleted = '0'"},
};

constexpr Query FindSecretsNamed{
    "SELECT id, name FROM secrets WHERE name LIKE :pattern AND deleted = '0'"
    " AND (expiration IS NULL OR expiration > :now) ORDER BY created_at, id",
    2};

Error no_secret(const SecretId& id) { return {Code::NotFound, "Secret not found.", id.str()}; }

// ---------------------------------------------------------------------------------------------- payloads and KEKs

constexpr Query HasPayload{"SELECT id FROM encrypted_data WHERE secret_id = :id AND deleted = '0'", 1};
constexpr Query InsertEncryptedData{
    "INSERT INTO encrypted_data (id, created_at, updated_at, deleted, status, content_type, secret_id, kek_id,"
    " cypher_text, kek_meta_extended)"
    " VALUES (:id, :created, :updated, '0', :status, :type, :secret, :kek, :cypher_text, :extended)"};
constexpr Query InsertStoreMetadata{
    "INSERT INTO secret_store_metadata (id, created_at, updated_at, deleted, status, \"key\", value, secret_id)"
    " VALUES (:id, :created, :updated, '0', :status, :key, :value, :secret),"
    " (:id2, :created2, :updated2, '0', :status2, :key2, :value2, :secret2)"};
constexpr Query TouchSecret{"UPDATE secrets SET updated_at = :updated WHERE id = :id AND deleted = '0'"};

// Races of several Barbicans may have left more than one: the newest counts, as it does for them.
constexpr Query FindKek{
    "SELECT " KEK_COLUMNS
    " FROM kek_data k JOIN projects kp ON kp.id = k.project_id"
    " WHERE kp.external_id = :project AND k.plugin_name = :plugin AND k.active = '1' AND k.bind_completed = '1'"
    " AND k.deleted = '0' ORDER BY k.created_at",
    KekColumns};
#define ACTIVE_KEKS                                             \
    "SELECT " KEK_COLUMNS                                       \
    " FROM kek_data k JOIN projects kp ON kp.id = k.project_id" \
    " WHERE k.plugin_name = :plugin AND k.active = '1' AND k.bind_completed = '1' AND k.deleted = '0'"
constexpr Query FindOldestKeks{ACTIVE_KEKS " ORDER BY k.created_at, k.id LIMIT :most", KekColumns};
constexpr Query FindNewestKeks{ACTIVE_KEKS " ORDER BY k.created_at DESC, k.id DESC LIMIT :most", KekColumns};
constexpr Query InsertKek{
    "INSERT INTO kek_data (id, created_at, updated_at, deleted, status, plugin_name, kek_label, project_id, active,"
    " bind_completed, algorithm, bit_length, mode, plugin_meta)"
    " VALUES (:id, :created, :updated, '0', :status, :plugin, :label, :project, '1', '1', :algorithm, :bits, :mode,"
    " :meta)"};

// ---------------------------------------------------------------------------------------------- orders

#define ORDER_COLUMNS                                                                                         \
    "o.id, o.type, o.meta, o.creator_id, o.status, o.created_at, o.updated_at, o.secret_id, o.container_id, " \
    "o.error_status_code, o.error_reason, o.sub_status, o.sub_status_message, p.external_id"
constexpr int OrderColumns = 14;

constexpr Query FindOrder{"SELECT " ORDER_COLUMNS
                          " FROM orders o JOIN projects p ON p.id = o.project_id"
                          " WHERE o.id = :id AND p.external_id = :project AND o.deleted = '0'",
                          OrderColumns};
constexpr Query ListOrders{
    "SELECT " ORDER_COLUMNS
    " FROM orders o JOIN projects p ON p.id = o.project_id"
    " WHERE p.external_id = :project AND o.deleted = '0' AND COALESCE(o.meta, '') LIKE :meta ESCAPE '!'"
    " ORDER BY o.created_at, o.id LIMIT :limit OFFSET :offset",
    OrderColumns};
constexpr Query CountOrders{
    "SELECT COUNT(*) FROM orders o JOIN projects p ON p.id = o.project_id"
    " WHERE p.external_id = :project AND o.deleted = '0' AND COALESCE(o.meta, '') LIKE :meta ESCAPE '!'",
    1};
constexpr Query InsertOrder{
    "INSERT INTO orders (id, created_at, updated_at, deleted, status, type, project_id, error_status_code,"
    " error_reason, meta, secret_id, container_id, sub_status, sub_status_message, creator_id)"
    " VALUES (:id, :created, :updated, '0', :status, :type, :project, :code, :reason, :meta, :secret, :container,"
    " :sub_status, :sub_message, :creator)"};
constexpr Query MarkOrder{
    "UPDATE orders SET deleted = '1', deleted_at = :deleted, updated_at = :updated"
    " WHERE id = :id AND deleted = '0'"
    " AND project_id IN (SELECT p.id FROM projects p WHERE p.external_id = :project)"};
constexpr std::array MarkOrderChildren{
    Query{"UPDATE order_plugin_metadata SET deleted = '1', deleted_at = :deleted, updated_at = :updated"
          " WHERE order_id = :id AND deleted = '0'"},
    Query{"UPDATE order_barbican_metadata SET deleted = '1', deleted_at = :deleted, updated_at = :updated"
          " WHERE order_id = :id AND deleted = '0'"},
};

Error no_order(const OrderId& id) { return {Code::NotFound, "Order not found.", id.str()}; }

/// Barbican looks for the JSON form of the caller's word in the column: a whole string, with its quotes.
std::string quoted(std::string_view word) {
    std::string out = "\"";
    for (const char c : word) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + '"';
}

Result<model::Order> take_order(Columns& row) {
    model::Order order;
    order.id = row.id<OrderId>();
    const std::string type = row.text();
    order.meta = row.optional_text().value_or("");
    order.creator = row.optional_id<UserId>();
    const std::string status = row.text();
    order.created = row.time();
    order.updated = row.time();
    order.secret = row.optional_id<SecretId>();
    order.container = row.optional_id<ContainerId>();
    order.error_status_code = row.optional_text();
    order.error_reason = row.optional_text();
    order.sub_status = row.optional_text();
    order.sub_status_message = row.optional_text();
    order.project = row.id<ProjectId>();
    TRY(row.finish());

    const auto known_type = model::order_type_from(type);
    const auto known_status = model::status_from(status);
    if (!known_type || !known_status) {
        return Error{Code::Corrupt, "the order's row is damaged",
                     fmt::format("order {}: type '{}', status '{}'", order.id.str(), type, status)};
    }
    order.type = *known_type;
    order.status = *known_status;
    return order;
}

// ---------------------------------------------------------------------------------------------- lists of secrets

std::string_view operator_of(model::TimeBound::Op op) {
    switch (op) {
        case model::TimeBound::Op::Equal: return " = ";
        case model::TimeBound::Op::Greater: return " > ";
        case model::TimeBound::Op::GreaterOrEqual: return " >= ";
        case model::TimeBound::Op::Less: return " < ";
        case model::TimeBound::Op::LessOrEqual: return " <= ";
    }
    SALLYPORT_ASSERT(false);  // an enumerator that the switch above does not know cannot have been made
}

void add_bounds(StatementText& where, std::string_view column, const std::vector<model::TimeBound>& bounds) {
    for (const auto& bound : bounds) {
        where.add(" AND ");
        where.add(column);
        where.add(operator_of(bound.op), bound.time);
    }
}

StatementText conditions_of(const ProjectId& project, const model::SecretFilter& filter, Timestamp now) {
    StatementText where;
    if (filter.acl_only) {
        where.add(
            " JOIN secret_acls a ON a.secret_id = s.id AND a.operation = 'read'"
            " JOIN secret_acl_users u ON u.acl_id = a.id WHERE u.user_id = ",
            *filter.acl_only);
    } else {
        where.add(" WHERE p.external_id = ", project);
    }
    where.add(" AND s.deleted = '0' AND (s.expiration IS NULL OR s.expiration > ", now);
    where.add(")");
    // No LIKE: it would not use the index of names.
    if (filter.name) where.add(" AND s.name = ", *filter.name);
    if (filter.algorithm) where.add_like(" AND s.algorithm", *filter.algorithm);
    if (filter.mode) where.add_like(" AND s.mode", *filter.mode);
    if (filter.bits) where.add(" AND s.bit_length = ", *filter.bits);
    if (filter.secret_type) where.add(" AND s.secret_type = ", *filter.secret_type);
    add_bounds(where, "s.created_at", filter.created);
    add_bounds(where, "s.updated_at", filter.updated);
    add_bounds(where, "s.expiration", filter.expiration);
    return where;
}

/// The API's words for what can be sorted by, and the columns. Nothing else ever gets into an ORDER BY.
constexpr std::array<std::pair<std::string_view, std::string_view>, 9> SortColumns{{
    {"algorithm", "s.algorithm"},
    {"bit_length", "s.bit_length"},
    {"created", "s.created_at"},
    {"expiration", "s.expiration"},
    {"mode", "s.mode"},
    {"name", "s.name"},
    {"secret_type", "s.secret_type"},
    {"status", "s.status"},
    {"updated", "s.updated_at"},
}};

Result<std::string> order_of(const std::vector<model::SortKey>& keys) {
    std::string order = " ORDER BY ";
    for (const auto& key : keys) {
        const auto* known = std::ranges::find(SortColumns, key.column, [](const auto& pair) { return pair.first; });
        if (known == SortColumns.end())
            return Error{Code::InvalidInput, "secrets cannot be sorted by that", key.column};
        order += known->second;
        order += key.descending ? " DESC, " : ", ";
    }
    // Barbican leaves ties (and unsorted lists) in any order; pages of a list that stands still must not overlap.
    return order + (keys.empty() ? "s.created_at, s.id" : "s.id");
}

}  // namespace

Result<ProjectRowId> ensure_project(Session& session, const ProjectId& project, Timestamp now) {
    if (auto found = TRY(find_project(session, project))) {
        // It was removed, and is used again. Its old keys stay removed: it gets a new one.
        if (found->deleted) TRY(session.execute(ReviveProject, {now, found->id}));
        return std::move(found->id);
    }
    // A token of the deployment or of a domain: what it made would be everybody's or nobody's.
    if (project.empty()) return Error{Code::Forbidden, "not allowed", "a token of no project can own nothing"};
    ProjectRowId row(random_uuid());
    TRY(session.execute(InsertProject, {row, now, now, Active, project}));
    return row;
}

Result<model::Secret> find_secret(Session& session, const SecretId& id, Timestamp now) {
    std::optional<model::Secret> found;
    Result<void> sense;
    TRY(session.select(FindSecret, {id, now}, [&found, &sense](Columns& row) -> Result<void> {
        if (!found) {
            found = take_secret(row, sense);
            found->content_type = row.optional_text();
        } else {
            row.skip(SecretColumns + 1);
        }
        take_acl(row, found->acl);
        TRY(row.finish());
        return sense;
    }));
    if (!found) return no_secret(id);
    return *std::move(found);
}

Result<SecretWithPayload> find_secret_with_payload(Session& session, const SecretId& id, Timestamp now) {
    std::optional<SecretWithPayload> found;
    Result<void> sense;
    TRY(session.select(FindSecretWithPayload, {id, now}, [&found, &sense](Columns& row) -> Result<void> {
        const bool first = !found;
        if (first) {
            found.emplace();
            found->secret = take_secret(row, sense);
            found->secret.content_type = row.optional_text();
        } else {
            row.skip(SecretColumns + 1);
        }
        take_acl(row, found->secret.acl);
        if (first && !row.next_is_null()) {
            row.skip(1);
            StoredPayload& payload = found->payload.emplace();
            payload.wrapped.cypher_text = row.text();
            payload.wrapped.kek_meta_extended = row.optional_text();
            payload.kek = take_kek(row);
            payload.content_type = found->secret.content_type.value_or("");
        }
        TRY(row.finish());
        return sense;
    }));
    if (!found) return no_secret(id);
    return *std::move(found);
}

Result<void> insert_secret(Session& session, const model::Secret& secret) {
    const ProjectRowId project = TRY(existing_project(session, secret.project));
    const auto& attributes = secret.attributes;
    TRY(session.execute(InsertSecret,
                        {secret.id, secret.created, secret.updated, model::text_of(secret.status), attributes.name,
                         model::text_of(attributes.type), attributes.expiration, attributes.algorithm,
                         attributes.bit_length, attributes.mode, secret.creator, project}));
    return {};
}

Result<model::PageOf<model::Secret>> list_secrets(Session& session, const ProjectId& project,
                                                  const model::SecretFilter& filter, const model::Page& page,
                                                  Timestamp now, const std::optional<long>& total) {
    const std::string order = TRY(order_of(filter.sort));
    StatementText where = conditions_of(project, filter, now);
    constexpr std::string_view From = " FROM secrets s JOIN projects p ON p.id = s.project_id";

    model::PageOf<model::Secret> answer;
    if (total) {
        answer.total = *total;
    } else {
        const std::string count = fmt::format("SELECT COUNT(*){}{}", From, where.text);
        TRY(session.select_once(count, 1, where.params, [&answer](Columns& row) -> Result<void> {
            answer.total = row.integer();
            return row.finish();
        }));
    }
    if (answer.total == 0) return answer;

    constexpr std::string_view Select =
        "SELECT " SECRET_COLUMNS
        ", (SELECT MAX(e.content_type) FROM encrypted_data e WHERE e.secret_id = s.id AND e.deleted = '0')";
    where.add(order);
    where.add(" LIMIT ", page.limit);
    where.add(" OFFSET ", page.offset);
    const std::string text = fmt::format("{}{}{}", Select, From, where.text);
    TRY(session.select_once(text, SecretColumns + 1, where.params, [&answer](Columns& row) -> Result<void> {
        Result<void> sense;
        answer.items.push_back(take_secret(row, sense));
        answer.items.back().content_type = row.optional_text();
        TRY(row.finish());
        return sense;
    }));
    return answer;
}

Result<std::vector<NamedSecret>> find_secrets_named(Session& session, std::string_view prefix, Timestamp now) {
    std::vector<NamedSecret> found;
    const std::string pattern = std::string(prefix) + "%";
    TRY(session.select(FindSecretsNamed, {pattern, now}, [&](Columns& row) -> Result<void> {
        NamedSecret secret{row.id<SecretId>(), row.text()};
        // LIKE takes capitals for small letters in some databases.
        if (secret.name.starts_with(prefix)) found.push_back(std::move(secret));
        return row.finish();
    }));
    return found;
}

Result<Timestamp> next_expiration(Session& session, Timestamp now) {
    std::optional<Timestamp> next;
    TRY(session.select(NextExpiration, {now}, [&next](Columns& row) -> Result<void> {
        next = row.optional_time();
        return row.finish();
    }));
    return next.value_or(Timestamp::max());
}

namespace {

/// The access list stays, as Barbican leaves it: a private secret that is undeleted is still private.
Result<void> mark_secret(Session& session, const SecretId& id, Timestamp now, Timestamp alive_at) {
    if (TRY(session.execute(MarkSecret, {now, now, id, alive_at})) == 0) return no_secret(id);
    for (const Query& mark : MarkChildren) TRY(session.execute(mark, {now, now, id}));
    return {};
}

}  // namespace

Result<void> delete_secret(Session& session, const SecretId& id, Timestamp now) {
    return mark_secret(session, id, now, now);
}

Result<void> delete_expired_secret(Session& session, const SecretId& id, Timestamp now) {
    // Nothing expired before there were any.
    return mark_secret(session, id, now, Timestamp());
}

Result<long> count_secrets(Session& session, const ProjectId& project, Timestamp now) {
    return take_count(session, CountSecrets, {project, now});
}

Result<StoredPayload> find_payload(Session& session, const SecretId& id) {
    std::optional<StoredPayload> found;
    TRY(session.select(FindPayload, {id}, [&found](Columns& row) -> Result<void> {
        if (found) return {};
        found.emplace();
        found->content_type = row.optional_text().value_or("");
        found->wrapped.cypher_text = row.text();
        found->wrapped.kek_meta_extended = row.optional_text();
        found->kek = take_kek(row);
        return row.finish();
    }));
    if (!found) return Error{Code::NotFound, "the secret has no payload", id.str()};
    return *std::move(found);
}

Result<void> insert_payload(Session& session, const SecretId& id, const KekId& kek, const model::WrappedSecret& wrapped,
                            const std::string& content_type, const std::string& store_plugin, Timestamp now) {
    // The row is locked first: of two writers at a time the second then sees what the first has stored.
    if (TRY(session.execute(TouchSecret, {now, id})) == 0) return no_secret(id);
    bool has_one = false;
    TRY(session.select(HasPayload, {id}, [&has_one](Columns&) -> Result<void> {
        has_one = true;
        return {};
    }));
    if (has_one) return Error{Code::Conflict, "the secret has a payload already", id.str()};
    // Nobody sees the ids of these rows. Random ones would write another page of their index each.
    TRY(session.execute(InsertEncryptedData, {time_ordered_uuid(), now, now, Active, content_type, id, kek,
                                              wrapped.cypher_text, wrapped.kek_meta_extended}));
    // Barbican never sets the status of these rows, so they stay at its default.
    TRY(session.execute(InsertStoreMetadata,
                        {time_ordered_uuid(), now, now, Pending, "plugin_name", store_plugin, id, time_ordered_uuid(),
                         now, now, Pending, "content_type", content_type, id}));
    return {};
}

Result<std::optional<model::KekMeta>> find_kek(Session& session, const ProjectId& project,
                                               const std::string& plugin_name) {
    std::optional<model::KekMeta> found;
    TRY(session.select(FindKek, {project, plugin_name}, [&found](Columns& row) -> Result<void> {
        found = take_kek(row);
        return row.finish();
    }));
    return found;
}

Result<void> insert_kek(Session& session, const model::KekMeta& kek, Timestamp now) {
    const ProjectRowId project = TRY(existing_project(session, kek.project));
    TRY(session.execute(InsertKek, {kek.id, now, now, Active, kek.plugin_name, kek.label, project, kek.algorithm,
                                    kek.bit_length, kek.mode, kek.plugin_meta}));
    return {};
}

Result<void> insert_order(Session& session, const model::Order& order) {
    const ProjectRowId project = TRY(existing_project(session, order.project));
    TRY(session.execute(
        InsertOrder, {order.id, order.created, order.updated, model::text_of(order.status), model::text_of(order.type),
                      project, order.error_status_code, order.error_reason, order.meta, order.secret, order.container,
                      order.sub_status, order.sub_status_message, order.creator}));
    return {};
}

Result<model::Order> find_order(Session& session, const ProjectId& project, const OrderId& id) {
    std::optional<model::Order> found;
    TRY(session.select(FindOrder, {id, project}, [&found](Columns& row) -> Result<void> {
        found = TRY(take_order(row));
        return {};
    }));
    if (!found) return no_order(id);
    return *std::move(found);
}

Result<model::PageOf<model::Order>> list_orders(Session& session, const ProjectId& project,
                                                const std::optional<std::string>& meta, const model::Page& page) {
    const std::string pattern = meta ? '%' + StatementText::literal_like(quoted(*meta)) + '%' : "%";
    model::PageOf<model::Order> answer;
    answer.total = TRY(take_count(session, CountOrders, {project, pattern}));
    TRY(session.select(ListOrders, {project, pattern, page.limit, page.offset},
                       [&answer](Columns& row) -> Result<void> {
                           answer.items.push_back(TRY(take_order(row)));
                           return {};
                       }));
    return answer;
}

Result<long> count_orders(Session& session, const ProjectId& project) {
    return take_count(session, CountOrders, {project, "%"});
}

Result<void> delete_order(Session& session, const ProjectId& project, const OrderId& id, Timestamp now) {
    if (TRY(session.execute(MarkOrder, {now, now, id, project})) == 0) return no_order(id);
    for (const Query& mark : MarkOrderChildren) TRY(session.execute(mark, {now, now, id}));
    return {};
}

// ---------------------------------------------------------------------------------------------- canaries

namespace {
constexpr Query FindCanary{"SELECT canary FROM sp_canaries WHERE store_name = :store", 1};
constexpr Query InsertCanary{
    "INSERT INTO sp_canaries (store_name, created_at, updated_at, canary) VALUES (:store, :created, :updated, "
    ":canary)"};
constexpr Query UpdateCanary{
    "UPDATE sp_canaries SET canary = :canary, updated_at = :updated WHERE store_name = :store"};
}  // namespace

Result<std::optional<std::string>> find_canary(Session& session, const std::string& store_name) {
    std::optional<std::string> found;
    TRY(session.select(FindCanary, {store_name}, [&found](Columns& row) -> Result<void> {
        found = row.text();
        return row.finish();
    }));
    return found;
}

Result<std::vector<model::KekMeta>> find_keks_without_canary(Session& session, const std::string& store_name,
                                                             const std::string& plugin_name, int most) {
    std::vector<model::KekMeta> keks;
    if (!TRY(session.has_table("kek_data"))) return keks;
    if (TRY(session.has_table("sp_canaries")) && TRY(find_canary(session, store_name))) return keks;
    for (const Query& query : {FindOldestKeks, FindNewestKeks}) {
        TRY(session.select(query, {plugin_name, most}, [&keks](Columns& row) -> Result<void> {
            model::KekMeta kek = take_kek(row);
            const bool known = std::ranges::find(keks, kek.id, &model::KekMeta::id) != keks.end();
            if (!known) keks.push_back(std::move(kek));
            return row.finish();
        }));
    }
    return keks;
}

Result<void> put_canary(Session& session, const std::string& store_name, const std::string& canary, Timestamp now) {
    if (TRY(session.execute(UpdateCanary, {canary, now, store_name})) > 0) return {};
    TRY(session.execute(InsertCanary, {store_name, now, now, canary}));
    return {};
}

}  // namespace sallyport::db
