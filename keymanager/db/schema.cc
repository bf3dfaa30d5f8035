#include "keymanager/db/schema.h"

#include <fmt/format.h>

#include <string>

namespace sallyport::db {
namespace {

/// What every table of Barbican's begins with ($ROW below).
constexpr std::string_view RowColumns =
    "id VARCHAR(36) NOT NULL, created_at DATETIME NOT NULL, updated_at DATETIME NOT NULL, deleted_at DATETIME, "
    "deleted BOOLEAN NOT NULL, status VARCHAR(20) NOT NULL";

/// Barbican's tables as its migrations leave them at AlembicRevision, names of constraints and indexes included: later
/// migrations of a real Barbican find them by name. The test compares all of it with a database that
/// `barbican-manage db upgrade` made.
constexpr std::string_view BarbicanTables = R"sql(
CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

CREATE TABLE projects (
    $ROW, external_id VARCHAR(255),
    PRIMARY KEY (id),
    UNIQUE (external_id)
);

CREATE TABLE secrets (
    $ROW, name VARCHAR(255), secret_type VARCHAR(255) DEFAULT 'opaque', expiration DATETIME,
    algorithm VARCHAR(255), bit_length INTEGER, mode VARCHAR(255), creator_id VARCHAR(255),
    project_id VARCHAR(36) NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT secrets_project_fk FOREIGN KEY(project_id) REFERENCES projects (id)
);
CREATE INDEX ix_secrets_project_id ON secrets (project_id);

CREATE TABLE kek_data (
    $ROW, plugin_name VARCHAR(255) NOT NULL, kek_label VARCHAR(255), project_id VARCHAR(36) NOT NULL,
    active BOOLEAN NOT NULL, bind_completed BOOLEAN NOT NULL, algorithm VARCHAR(255),
    bit_length INTEGER, mode VARCHAR(255), plugin_meta TEXT,
    PRIMARY KEY (id),
    CONSTRAINT kek_data_project_fk FOREIGN KEY(project_id) REFERENCES projects (id)
);
CREATE INDEX ix_kek_data_project_id ON kek_data (project_id);

CREATE TABLE encrypted_data (
    $ROW, content_type VARCHAR(255), secret_id VARCHAR(36) NOT NULL, kek_id VARCHAR(36) NOT NULL,
    cypher_text TEXT, kek_meta_extended TEXT,
    PRIMARY KEY (id),
    FOREIGN KEY(kek_id) REFERENCES kek_data (id),
    FOREIGN KEY(secret_id) REFERENCES secrets (id)
);
CREATE INDEX ix_encrypted_data_kek_id ON encrypted_data (kek_id);
CREATE INDEX ix_encrypted_data_secret_id ON encrypted_data (secret_id);

CREATE TABLE secret_store_metadata (
    $ROW, "key" VARCHAR(255) NOT NULL, value VARCHAR(255) NOT NULL, secret_id VARCHAR(36) NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(secret_id) REFERENCES secrets (id)
);
CREATE INDEX ix_secret_store_metadata_secret_id ON secret_store_metadata (secret_id);

CREATE TABLE secret_user_metadata (
    $ROW, "key" VARCHAR(255) NOT NULL, value VARCHAR(255) NOT NULL, secret_id VARCHAR(36) NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(secret_id) REFERENCES secrets (id),
    CONSTRAINT _secret_key_uc UNIQUE (secret_id, "key")
);
CREATE INDEX ix_secret_user_metadata_secret_id ON secret_user_metadata (secret_id);

CREATE TABLE secret_acls (
    $ROW, secret_id VARCHAR(36) NOT NULL, operation VARCHAR(255) NOT NULL,
    project_access BOOLEAN NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(secret_id) REFERENCES secrets (id),
    CONSTRAINT _secret_acl_operation_uc UNIQUE (secret_id, operation)
);
CREATE INDEX ix_secret_acls_secret_id ON secret_acls (secret_id);

CREATE TABLE secret_acl_users (
    $ROW, acl_id VARCHAR(36) NOT NULL, user_id VARCHAR(255) NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(acl_id) REFERENCES secret_acls (id),
    CONSTRAINT _secret_acl_user_uc UNIQUE (acl_id, user_id)
);
CREATE INDEX ix_secret_acl_users_acl_id ON secret_acl_users (acl_id);

CREATE TABLE secret_stores (
    $ROW, store_plugin VARCHAR(255) NOT NULL, crypto_plugin VARCHAR(255),
    global_default BOOLEAN NOT NULL, name VARCHAR(255) NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT _secret_stores_name_uc UNIQUE (name),
    CONSTRAINT _secret_stores_plugin_names_uc UNIQUE (store_plugin, crypto_plugin)
);

CREATE TABLE project_secret_store (
    $ROW, secret_store_id VARCHAR(36) NOT NULL, project_id VARCHAR(36) NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(project_id) REFERENCES projects (id),
    FOREIGN KEY(secret_store_id) REFERENCES secret_stores (id),
    CONSTRAINT _project_secret_store_project_uc UNIQUE (project_id)
);
CREATE INDEX ix_project_secret_store_project_id ON project_secret_store (project_id);
CREATE INDEX ix_project_secret_store_secret_store_id ON project_secret_store (secret_store_id);

CREATE TABLE containers (
    $ROW, name VARCHAR(255), type VARCHAR(11), project_id VARCHAR(36) NOT NULL, creator_id VARCHAR(255),
    PRIMARY KEY (id),
    CONSTRAINT containers_project_fk FOREIGN KEY(project_id) REFERENCES projects (id)
);
CREATE INDEX ix_containers_project_id ON containers (project_id);

CREATE TABLE container_secret (
    $ROW, name VARCHAR(255), container_id VARCHAR(36) NOT NULL, secret_id VARCHAR(36) NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(container_id) REFERENCES containers (id),
    FOREIGN KEY(secret_id) REFERENCES secrets (id),
    CONSTRAINT _container_secret_name_uc UNIQUE (container_id, secret_id, name)
);
CREATE INDEX ix_container_secret_container_id ON container_secret (container_id);
CREATE INDEX ix_container_secret_secret_id ON container_secret (secret_id);

CREATE TABLE container_acls (
    $ROW, container_id VARCHAR(36) NOT NULL, operation VARCHAR(255) NOT NULL,
    project_access BOOLEAN NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(container_id) REFERENCES containers (id),
    CONSTRAINT _container_acl_operation_uc UNIQUE (container_id, operation)
);
CREATE INDEX ix_container_acls_container_id ON container_acls (container_id);

CREATE TABLE container_acl_users (
    $ROW, acl_id VARCHAR(36) NOT NULL, user_id VARCHAR(255) NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(acl_id) REFERENCES container_acls (id),
    CONSTRAINT _container_acl_user_uc UNIQUE (acl_id, user_id)
);
CREATE INDEX ix_container_acl_users_acl_id ON container_acl_users (acl_id);

CREATE TABLE container_consumer_metadata (
    $ROW, container_id VARCHAR(36) NOT NULL, project_id VARCHAR(36), name VARCHAR(36),
    "URL" VARCHAR(255), data_hash CHAR(64),
    PRIMARY KEY (id),
    FOREIGN KEY(container_id) REFERENCES containers (id),
    FOREIGN KEY(project_id) REFERENCES projects (id),
    CONSTRAINT _consumer_hashed_container_name_url_uc UNIQUE (data_hash)
);
CREATE INDEX ix_container_consumer_metadata_container_id ON container_consumer_metadata (container_id);
CREATE INDEX ix_container_consumer_metadata_project_id ON container_consumer_metadata (project_id);
CREATE INDEX values_index ON container_consumer_metadata (container_id, name, "URL");

CREATE TABLE secret_consumer_metadata (
    $ROW, secret_id VARCHAR(36) NOT NULL, project_id VARCHAR(36), service VARCHAR(255) NOT NULL,
    resource_type VARCHAR(255) NOT NULL, resource_id VARCHAR(36) NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT _secret_consumer_resource_uc UNIQUE (secret_id, service, resource_type, resource_id),
    CONSTRAINT fk_project_id FOREIGN KEY(project_id) REFERENCES projects (id),
    FOREIGN KEY(secret_id) REFERENCES secrets (id)
);
CREATE INDEX ix_secret_consumer_metadata_secret_id ON secret_consumer_metadata (secret_id);
CREATE INDEX ix_secret_consumer_metadata_resource_id ON secret_consumer_metadata (resource_id);
CREATE INDEX ix_secret_consumer_metadata_project_id ON secret_consumer_metadata (project_id);

CREATE TABLE orders (
    $ROW, type VARCHAR(255) NOT NULL, project_id VARCHAR(36) NOT NULL, error_status_code VARCHAR(16),
    error_reason VARCHAR(255), meta TEXT, secret_id VARCHAR(36), container_id VARCHAR(36),
    sub_status VARCHAR(36), sub_status_message VARCHAR(255), creator_id VARCHAR(255),
    PRIMARY KEY (id),
    FOREIGN KEY(container_id) REFERENCES containers (id),
    CONSTRAINT orders_project_fk FOREIGN KEY(project_id) REFERENCES projects (id),
    FOREIGN KEY(secret_id) REFERENCES secrets (id)
);
CREATE INDEX ix_orders_container_id ON orders (container_id);
CREATE INDEX ix_orders_project_id ON orders (project_id);
CREATE INDEX ix_orders_secret_id ON orders (secret_id);

CREATE TABLE order_plugin_metadata (
    $ROW, order_id VARCHAR(36) NOT NULL, "key" VARCHAR(255) NOT NULL, value VARCHAR(255) NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(order_id) REFERENCES orders (id)
);
CREATE INDEX ix_order_plugin_metadata_order_id ON order_plugin_metadata (order_id);

CREATE TABLE order_barbican_metadata (
    $ROW, order_id VARCHAR(36) NOT NULL, "key" VARCHAR(255) NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(order_id) REFERENCES orders (id)
);
CREATE INDEX ix_order_barbican_metadata_order_id ON order_barbican_metadata (order_id);

CREATE TABLE order_retry_tasks (
    created_at DATETIME NOT NULL, updated_at DATETIME NOT NULL, deleted_at DATETIME,
    deleted BOOLEAN NOT NULL, status VARCHAR(20) NOT NULL, id VARCHAR(36) NOT NULL,
    order_id VARCHAR(36) NOT NULL, retry_task TEXT NOT NULL, retry_at DATETIME NOT NULL,
    retry_args TEXT NOT NULL, retry_kwargs TEXT NOT NULL, retry_count INTEGER NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(order_id) REFERENCES orders (id)
);
CREATE INDEX ix_order_retry_tasks_order_id ON order_retry_tasks (order_id);

CREATE TABLE project_quotas (
    $ROW, project_id VARCHAR(36) NOT NULL, secrets INTEGER, orders INTEGER, containers INTEGER,
    consumers INTEGER, cas INTEGER,
    PRIMARY KEY (id),
    CONSTRAINT project_quotas_fk FOREIGN KEY(project_id) REFERENCES projects (id)
);
CREATE INDEX ix_project_quotas_project_id ON project_quotas (project_id);

CREATE TABLE transport_keys (
    $ROW, plugin_name VARCHAR(255) NOT NULL, transport_key TEXT NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE certificate_authorities (
    $ROW, plugin_name VARCHAR(255) NOT NULL, plugin_ca_id TEXT NOT NULL, expiration DATETIME,
    creator_id VARCHAR(255), project_id VARCHAR(36),
    PRIMARY KEY (id),
    CONSTRAINT cas_project_fk FOREIGN KEY(project_id) REFERENCES projects (id)
);

CREATE TABLE certificate_authority_metadata (
    $ROW, "key" VARCHAR(255) NOT NULL, value TEXT NOT NULL, ca_id VARCHAR(36) NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(ca_id) REFERENCES certificate_authorities (id),
    CONSTRAINT _certificate_authority_metadatum_uc UNIQUE (ca_id, "key")
);
CREATE INDEX ix_certificate_authority_metadata_ca_id ON certificate_authority_metadata (ca_id);
CREATE INDEX ix_certificate_authority_metadata_key ON certificate_authority_metadata ("key");

CREATE TABLE preferred_certificate_authorities (
    $ROW, project_id VARCHAR(36) NOT NULL, ca_id VARCHAR(36) NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT preferred_certificate_authorities_fk FOREIGN KEY(ca_id) REFERENCES certificate_authorities (id),
    FOREIGN KEY(project_id) REFERENCES projects (id)
);
CREATE INDEX ix_preferred_certificate_authorities_ca_id ON preferred_certificate_authorities (ca_id);
CREATE UNIQUE INDEX ix_preferred_certificate_authorities_project_id ON preferred_certificate_authorities (project_id);

CREATE TABLE project_certificate_authorities (
    $ROW, project_id VARCHAR(36) NOT NULL, ca_id VARCHAR(36) NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(ca_id) REFERENCES certificate_authorities (id),
    FOREIGN KEY(project_id) REFERENCES projects (id),
    CONSTRAINT _project_certificate_authority_uc UNIQUE (project_id, ca_id)
);
CREATE INDEX ix_project_certificate_authorities_ca_id ON project_certificate_authorities (ca_id);
CREATE INDEX ix_project_certificate_authorities_project_id ON project_certificate_authorities (project_id);
)sql";

/// Tables that only we have. A real Barbican over the same database does not look at them.
constexpr std::string_view OwnTables = R"sql(
CREATE TABLE sp_schema (
    revision INTEGER NOT NULL
);

CREATE TABLE sp_canaries (
    store_name VARCHAR(255) NOT NULL, created_at DATETIME NOT NULL, updated_at DATETIME NOT NULL, canary TEXT NOT NULL,
    PRIMARY KEY (store_name)
);
)sql";

constexpr Query FindAlembicRevision{"SELECT version_num FROM alembic_version", 1};
constexpr Query RecordAlembicRevision{"INSERT INTO alembic_version (version_num) VALUES (:revision)"};
constexpr Query FindOwnRevision{"SELECT revision FROM sp_schema", 1};
constexpr Query RecordOwnRevision{"INSERT INTO sp_schema (revision) VALUES (:revision)"};

Result<void> run_each(Session& session, std::string_view script) {
    while (true) {
        const auto end = script.find(';');
        if (end == std::string_view::npos) return {};
        std::string statement(script.substr(0, end));
        if (const auto at = statement.find("$ROW"); at != std::string::npos) statement.replace(at, 4, RowColumns);
        TRY(session.run_script(statement));
        script.remove_prefix(end + 1);
    }
}

Result<std::string> revision_of(Session& session, const Query& query) {
    std::string revision;
    TRY(session.select(query, {}, [&revision](Columns& row) -> Result<void> {
        revision = row.text();
        return row.finish();
    }));
    return revision;
}

Result<void> make_barbican_tables(Session& session) {
    // Of a database with tables but no revision nobody knows what they are.
    if (TRY(session.has_table("secrets"))) {
        return Error{Code::Conflict, "the database has Barbican's tables but no Alembic revision", {}};
    }
    TRY(run_each(session, BarbicanTables));
    TRY(session.execute(RecordAlembicRevision, {AlembicRevision}));
    return {};
}

Result<void> check_barbican_tables(Session& session) {
    const std::string revision = TRY(revision_of(session, FindAlembicRevision));
    if (revision == AlembicRevision) return {};
    return Error{Code::Conflict,
                 fmt::format("the database is at Alembic revision '{}', this program needs '{}': run "
                             "`barbican-manage db upgrade` first",
                             revision, AlembicRevision),
                 {}};
}

Result<void> make_own_tables(Session& session) {
    TRY(run_each(session, OwnTables));
    TRY(session.execute(RecordOwnRevision, {OwnRevision}));
    return {};
}

Result<void> check_own_tables(Session& session) {
    const std::string revision = TRY(revision_of(session, FindOwnRevision));
    if (revision == std::to_string(OwnRevision)) return {};
    return Error{Code::Conflict,
                 fmt::format("the sp_ tables of the database are at revision '{}', this program needs '{}'", revision,
                             OwnRevision),
                 {}};
}

}  // namespace

Result<void> create_or_check_schema(Session& session) {
    TRY(TRY(session.has_table("alembic_version")) ? check_barbican_tables(session) : make_barbican_tables(session));
    return TRY(session.has_table("sp_schema"))
    ? check_own_tables(session) : make_own_tables(session);
}

}  // namespace sallyport::db
