#include "keymanager/db/consumer_repository.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "keymanager/base/uuid.h"
#include "keymanager/db/queries.h"
#include "keymanager/db/repository.h"
#include "keymanager/db/session.h"

namespace sallyport::db {
namespace {

constexpr std::string_view Active = "ACTIVE";

Error no_consumer() { return {Code::NotFound, "Consumer not found.", {}}; }

// ---------------------------------------------------------------------------------------------- of secrets

/// take_secret_consumer() reads them.
#define SECRET_CONSUMER_COLUMNS "m.service, m.resource_type, m.resource_id, p.external_id, m.created_at, m.updated_at"
#define SECRET_CONSUMERS " FROM secret_consumer_metadata m LEFT JOIN projects p ON p.id = m.project_id"
constexpr int SecretConsumerColumns = 6;
#define SAME_SECRET_CONSUMER \
    "secret_id = :secret AND service = :service AND resource_type = :type AND resource_id = :resource"

constexpr Query FindSecretConsumer{"SELECT " SECRET_CONSUMER_COLUMNS SECRET_CONSUMERS
                                   " WHERE m.deleted = '0' AND m." SAME_SECRET_CONSUMER,
                                   SecretConsumerColumns};
constexpr Query FindSecretConsumerRow{"SELECT " SECRET_CONSUMER_COLUMNS SECRET_CONSUMERS
                                      " WHERE m.deleted = '0' AND m.secret_id = :secret AND m.id = :id",
                                      SecretConsumerColumns};
constexpr Query ListSecretConsumers{"SELECT " SECRET_CONSUMER_COLUMNS SECRET_CONSUMERS
                                    " WHERE m.deleted = '0' AND m.secret_id = :secret"
                                    " ORDER BY m.created_at, m.id LIMIT :limit OFFSET :offset",
                                    SecretConsumerColumns};
constexpr Query FindSecretsOfConsumer{
    "SELECT s.id FROM secret_consumer_metadata m JOIN secrets s ON s.id = m.secret_id"
    " JOIN projects p ON p.id = s.project_id"
    " WHERE m.deleted = '0' AND m.resource_id = :resource AND m.service = :service AND m.resource_type = :type"
    " AND s.deleted = '0' AND (s.expiration IS NULL OR s.expiration > :now) AND p.external_id = :project"
    " ORDER BY s.created_at, s.id",
    1};
constexpr Query ListSecretsUsedBy{
    "SELECT m.secret_id FROM secret_consumer_metadata m JOIN secrets s ON s.id = m.secret_id"
    " WHERE m.deleted = '0' AND s.deleted = '0' AND m.resource_type = :type"
    " AND m.resource_id = :resource ORDER BY m.updated_at DESC, m.id",
    1};
constexpr Query CountConsumersOfSecret{
    "SELECT COUNT(*) FROM secret_consumer_metadata WHERE deleted = '0' AND secret_id = :secret", 1};
constexpr Query CountSecretConsumersOfOwner{
    "SELECT COUNT(*) FROM secret_consumer_metadata m JOIN projects p ON p.id = m.project_id"
    " WHERE m.deleted = '0' AND p.external_id = :owner",
    1};
constexpr Query InsertSecretConsumer{
    "INSERT INTO secret_consumer_metadata (id, created_at, updated_at, deleted, status, secret_id, project_id,"
    " service, resource_type, resource_id)"
    " VALUES (:id, :created, :updated, '0', :status, :secret, :project, :service, :type, :resource)"};
// Whoever registers it again owns it.
constexpr Query ReviveSecretConsumer{
    "UPDATE secret_consumer_metadata SET deleted = '0', deleted_at = NULL, updated_at = :updated,"
    " project_id = :project WHERE deleted = '1' AND " SAME_SECRET_CONSUMER};
constexpr Query MarkSecretConsumer{
    "UPDATE secret_consumer_metadata SET deleted = '1', deleted_at = :deleted, updated_at = :updated"
    " WHERE deleted = '0' AND " SAME_SECRET_CONSUMER};
constexpr Query TouchSecret{"UPDATE secrets SET updated_at = :updated WHERE id = :id AND deleted = '0'"};

Result<model::SecretConsumer> take_secret_consumer(Columns& row) {
    model::SecretConsumer consumer;
    consumer.service = row.text();
    consumer.resource_type = row.text();
    consumer.resource_id = row.text();
    consumer.owner = row.optional_id<ProjectId>().value_or(ProjectId());
    consumer.created = row.time();
    consumer.updated = row.time();
    TRY(row.finish());
    return consumer;
}

// ---------------------------------------------------------------------------------------------- of containers

/// take_container_consumer() reads them.
#define CONTAINER_CONSUMER_COLUMNS "m.name, m.\"URL\", p.external_id, m.created_at, m.updated_at"
#define CONTAINER_CONSUMERS " FROM container_consumer_metadata m LEFT JOIN projects p ON p.id = m.project_id"
constexpr int ContainerConsumerColumns = 5;

constexpr Query FindContainerConsumer{"SELECT " CONTAINER_CONSUMER_COLUMNS CONTAINER_CONSUMERS
                                      " WHERE m.deleted = '0' AND m.container_id = :container AND m.data_hash = :hash",
                                      ContainerConsumerColumns};
constexpr Query FindContainerConsumerRow{"SELECT " CONTAINER_CONSUMER_COLUMNS CONTAINER_CONSUMERS
                                         " WHERE m.deleted = '0' AND m.container_id = :container AND m.id = :id",
                                         ContainerConsumerColumns};
constexpr Query ListContainerConsumers{"SELECT " CONTAINER_CONSUMER_COLUMNS CONTAINER_CONSUMERS
                                       " WHERE m.deleted = '0' AND m.container_id = :container"
                                       " ORDER BY m.name, m.id LIMIT :limit OFFSET :offset",
                                       ContainerConsumerColumns};
constexpr Query CountConsumersOfContainer{
    "SELECT COUNT(*) FROM container_consumer_metadata WHERE deleted = '0' AND container_id = :container", 1};
constexpr Query CountContainerConsumersOfOwner{
    "SELECT COUNT(*) FROM container_consumer_metadata m JOIN projects p ON p.id = m.project_id"
    " WHERE m.deleted = '0' AND p.external_id = :owner",
    1};
constexpr Query InsertContainerConsumer{
    "INSERT INTO container_consumer_metadata (id, created_at, updated_at, deleted, status, container_id, project_id,"
    " name, \"URL\", data_hash)"
    " VALUES (:id, :created, :updated, '0', :status, :container, :project, :name, :url, :hash)"};
constexpr Query ReviveContainerConsumer{
    "UPDATE container_consumer_metadata SET deleted = '0', deleted_at = NULL, updated_at = :updated,"
    " project_id = :project WHERE deleted = '1' AND container_id = :container AND data_hash = :hash"};
constexpr Query MarkContainerConsumer{
    "UPDATE container_consumer_metadata SET deleted = '1', deleted_at = :deleted, updated_at = :updated"
    " WHERE deleted = '0' AND container_id = :container AND data_hash = :hash"};
constexpr Query MarkContainerConsumers{
    "UPDATE container_consumer_metadata SET deleted = '1', deleted_at = :deleted, updated_at = :updated"
    " WHERE deleted = '0' AND container_id = :container"};
constexpr Query TouchContainer{"UPDATE containers SET updated_at = :updated WHERE id = :id AND deleted = '0'"};

Result<model::ContainerConsumer> take_container_consumer(Columns& row) {
    model::ContainerConsumer consumer;
    consumer.name = row.optional_text().value_or("");
    consumer.url = row.optional_text().value_or("");
    consumer.owner = row.optional_id<ProjectId>().value_or(ProjectId());
    consumer.created = row.time();
    consumer.updated = row.time();
    TRY(row.finish());
    return consumer;
}

// ---------------------------------------------------------------------------------------------- of both

template <class Consumer>
Result<Consumer> find_one(Session& session, const Query& query, std::initializer_list<Param> params,
                          Result<Consumer> (*take)(Columns&)) {
    std::optional<Consumer> found;
    TRY(session.select(query, params, [&found, take](Columns& row) -> Result<void> {
        found = TRY(take(row));
        return {};
    }));
    if (!found) return no_consumer();
    return *std::move(found);
}

template <class Consumer, class ParentId>
Result<model::PageOf<Consumer>> list_of(Session& session, const Query& count, const Query& list, const ParentId& parent,
                                        const model::Page& page, Result<Consumer> (*take)(Columns&)) {
    model::PageOf<Consumer> answer;
    answer.total = TRY(take_count(session, count, {parent}));
    TRY(session.select(list, {parent, page.limit, page.offset}, [&answer, take](Columns& row) -> Result<void> {
        answer.items.push_back(TRY(take(row)));
        return {};
    }));
    return answer;
}

/// The statement's rows begin with the parent's id; the rest is a consumer of its.
template <class Parent, class Consumer>
Result<void> load(Session& session, std::span<Parent> parents, std::string_view select, std::string_view where_in,
                  std::string_view order, int columns, Result<Consumer> (*take)(Columns&)) {
    if (parents.empty()) return {};
    StatementText statement;
    statement.add(select);
    statement.add_list(where_in, parents, &Parent::id);
    statement.add(order);
    return session.select_once(statement.text, 1 + columns, statement.params,
                               [parents, take](Columns& row) -> Result<void> {
                                   const auto id = row.id<decltype(Parent::id)>();
                                   Consumer consumer = TRY(take(row));
                                   const auto at = std::ranges::find(parents, id, &Parent::id);
                                   if (at != parents.end()) at->consumers.push_back(std::move(consumer));
                                   return {};
                               });
}

}  // namespace

Result<void> put_consumer(Session& session, const SecretId& id, const model::SecretConsumer& consumer, Timestamp now) {
    const auto known = find_consumer(session, id, consumer);
    if (known || known.error().code != Code::NotFound) return known ? Result<void>() : known.error();
    const ProjectRowId owner = TRY(ensure_project(session, consumer.owner, now));
    TRY(session.execute(TouchSecret, {now, id}));
    const long revived = TRY(session.execute(
        ReviveSecretConsumer, {now, owner, id, consumer.service, consumer.resource_type, consumer.resource_id}));
    if (revived > 0) return {};
    TRY(session.execute(InsertSecretConsumer, {random_uuid(), now, now, Active, id, owner, consumer.service,
                                               consumer.resource_type, consumer.resource_id}));
    return {};
}

Result<void> put_consumer(Session& session, const ContainerId& id, const model::ContainerConsumer& consumer,
                          const std::string& hash, Timestamp now) {
    const auto known = find_consumer(session, id, hash);
    if (known || known.error().code != Code::NotFound) return known ? Result<void>() : known.error();
    const ProjectRowId owner = TRY(ensure_project(session, consumer.owner, now));
    TRY(session.execute(TouchContainer, {now, id}));
    if (TRY(session.execute(ReviveContainerConsumer, {now, owner, id, hash})) > 0) return {};
    TRY(session.execute(InsertContainerConsumer,
                        {random_uuid(), now, now, Active, id, owner, consumer.name, consumer.url, hash}));
    return {};
}

Result<model::SecretConsumer> find_consumer(Session& session, const SecretId& id,
                                            const model::SecretConsumer& consumer) {
    return find_one(session, FindSecretConsumer, {id, consumer.service, consumer.resource_type, consumer.resource_id},
                    take_secret_consumer);
}
Result<model::ContainerConsumer> find_consumer(Session& session, const ContainerId& id, const std::string& hash) {
    return find_one(session, FindContainerConsumer, {id, hash}, take_container_consumer);
}
Result<model::SecretConsumer> find_consumer_row(Session& session, const SecretId& id, const std::string& row) {
    return find_one(session, FindSecretConsumerRow, {id, row}, take_secret_consumer);
}
Result<model::ContainerConsumer> find_consumer_row(Session& session, const ContainerId& id, const std::string& row) {
    return find_one(session, FindContainerConsumerRow, {id, row}, take_container_consumer);
}

Result<std::vector<SecretId>> secrets_of_consumer(Session& session, const ProjectId& project,
                                                  const model::SecretConsumer& consumer, Timestamp now) {
    std::vector<SecretId> found;
    TRY(session.select(FindSecretsOfConsumer,
                       {consumer.resource_id, consumer.service, consumer.resource_type, now, project},
                       [&found](Columns& row) -> Result<void> {
                           found.emplace_back(row.text());
                           return row.finish();
                       }));
    return found;
}

Result<model::PageOf<model::SecretConsumer>> list_consumers(Session& session, const SecretId& id,
                                                            const model::Page& page) {
    return list_of(session, CountConsumersOfSecret, ListSecretConsumers, id, page, take_secret_consumer);
}
Result<model::PageOf<model::ContainerConsumer>> list_consumers(Session& session, const ContainerId& id,
                                                               const model::Page& page) {
    return list_of(session, CountConsumersOfContainer, ListContainerConsumers, id, page, take_container_consumer);
}

Result<void> delete_consumer(Session& session, const SecretId& id, const model::SecretConsumer& consumer,
                             Timestamp now) {
    const long marked = TRY(session.execute(
        MarkSecretConsumer, {now, now, id, consumer.service, consumer.resource_type, consumer.resource_id}));
    if (marked == 0) return no_consumer();
    return {};
}
Result<void> delete_consumer(Session& session, const ContainerId& id, const std::string& hash, Timestamp now) {
    if (TRY(session.execute(MarkContainerConsumer, {now, now, id, hash})) == 0) return no_consumer();
    return {};
}
Result<void> delete_consumers(Session& session, const ContainerId& id, Timestamp now) {
    TRY(session.execute(MarkContainerConsumers, {now, now, id}));
    return {};
}

Result<std::vector<SecretId>> secrets_used_by(Session& session, const std::string& resource_type,
                                              const std::string& resource_id) {
    std::vector<SecretId> secrets;
    TRY(session.select(ListSecretsUsedBy, {resource_type, resource_id}, [&secrets](Columns& row) -> Result<void> {
        auto id = row.id<SecretId>();
        // Two services may have registered the same resource.
        if (std::ranges::find(secrets, id) == secrets.end()) secrets.push_back(std::move(id));
        return row.finish();
    }));
    return secrets;
}

Result<void> load_consumers(Session& session, std::span<model::Secret> secrets) {
    return load(session, secrets, "SELECT m.secret_id, " SECRET_CONSUMER_COLUMNS SECRET_CONSUMERS,
                " WHERE m.deleted = '0' AND m.secret_id IN", " ORDER BY m.created_at, m.id", SecretConsumerColumns,
                take_secret_consumer);
}
Result<void> load_consumers(Session& session, std::span<model::Container> containers) {
    return load(session, containers, "SELECT m.container_id, " CONTAINER_CONSUMER_COLUMNS CONTAINER_CONSUMERS,
                " WHERE m.deleted = '0' AND m.container_id IN", " ORDER BY m.created_at, m.name, m.id",
                ContainerConsumerColumns, take_container_consumer);
}

Result<long> count_secret_consumers(Session& session, const ProjectId& owner) {
    return take_count(session, CountSecretConsumersOfOwner, {owner});
}
Result<long> count_container_consumers(Session& session, const ProjectId& owner) {
    return take_count(session, CountContainerConsumersOfOwner, {owner});
}

}  // namespace sallyport::db
