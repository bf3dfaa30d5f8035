#include "keymanager/db/container_repository.h"

#include <string>

#include "keymanager/base/uuid.h"
#include "keymanager/db/repository.h"
#include "keymanager/db/session.h"

namespace sallyport::db {

Result<void> insert_container(Session& session, const model::Container& container) {
    static constexpr Query insert{
        "INSERT INTO containers (id, created_at, updated_at, deleted, status, name, type, project_id, creator_id) "
        "VALUES (:id, :created, :updated, '0', :status, :name, :type, :project, :creator)"};
    static constexpr Query insert_member{
        "INSERT INTO container_secret (id, created_at, updated_at, deleted, status, name, container_id, secret_id) "
        "VALUES (:id, :created, :updated, '0', :status, :name, :container, :secret)"};
    const ProjectRowId project = TRY(ensure_project(session, container.project, container.created));
    TRY(session.execute(insert, {container.id, container.created, container.updated, model::text_of(container.status),
                                 container.name, container.type, project, container.creator}));
    for (const model::ContainerSecret& member : container.secrets) {
        TRY(session.execute(insert_member,
                            {random_uuid(), container.created, container.updated, model::text_of(model::Status::Active),
                             member.name, container.id, member.secret}));
    }
    return {};
}

Result<model::Container> find_container(Session& session, const ContainerId& id) {
    static constexpr Query find{
        "SELECT c.name, c.type, p.external_id, c.creator_id, c.status, c.created_at, c.updated_at "
        "FROM containers c JOIN projects p ON p.id = c.project_id WHERE c.id = :id AND c.deleted = '0'",
        7};
    static constexpr Query find_members{
        "SELECT cs.name, cs.secret_id FROM container_secret cs JOIN secrets s ON s.id = cs.secret_id "
        "WHERE cs.container_id = :id AND cs.deleted = '0' AND s.deleted = '0' ORDER BY cs.created_at, cs.name",
        2};
    std::optional<model::Container> found;
    TRY(session.select(find, {id}, [&found, &id](Columns& columns) -> Result<void> {
        model::Container container;
        container.id = id;
        container.name = columns.optional_text();
        container.type = columns.text();
        container.project = columns.id<ProjectId>();
        container.creator = columns.optional_id<UserId>();
        const auto status = model::status_from(columns.text());
        container.created = columns.time();
        container.updated = columns.time();
        TRY(columns.finish());
        if (!status) return Error{Code::Corrupt, "container " + id.str() + " has a status that nobody writes", {}};
        container.status = *status;
        found = std::move(container);
        return {};
    }));
    if (!found) return Error{Code::NotFound, "Secrets container not found.", {}};
    TRY(session.select(find_members, {id}, [&found](Columns& columns) -> Result<void> {
        model::ContainerSecret member;
        member.name = columns.optional_text().value_or("");
        member.secret = columns.id<SecretId>();
        TRY(columns.finish());
        found->secrets.push_back(std::move(member));
        return {};
    }));
    return *std::move(found);
}

}  // namespace sallyport::db
