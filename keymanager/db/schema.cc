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
    $ROW, name VARCHAR(255), type $CONTAINER_TYPE, project_id VARCHAR(36) NOT NULL, creator_id VARCHAR(255),
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

/// What the node knows of encrypted volumes, and the copies of their headers. Revision 3. A piece of ciphertext fits
/// into MariaDB's TEXT.
constexpr std::string_view VolumeTables = R"sql(
CREATE TABLE IF NOT EXISTS sp_volumes (
    volume_uuid VARCHAR(40) NOT NULL, project_id VARCHAR(255) NOT NULL, secret_id VARCHAR(36),
    next_secret_id VARCHAR(36), change_kind VARCHAR(20) NOT NULL, host VARCHAR(255) NOT NULL,
    device VARCHAR(1024) NOT NULL, note TEXT, created_at DATETIME NOT NULL, updated_at DATETIME NOT NULL,
    PRIMARY KEY (volume_uuid)
);

CREATE TABLE IF NOT EXISTS sp_volume_headers (
    volume_uuid VARCHAR(40) NOT NULL, version INTEGER NOT NULL, id VARCHAR(36) NOT NULL,
    project_id VARCHAR(255) NOT NULL, digest CHAR(64) NOT NULL, reason VARCHAR(64) NOT NULL,
    host VARCHAR(255) NOT NULL, device VARCHAR(1024) NOT NULL, size_bytes INTEGER NOT NULL,
    kek_id VARCHAR(36) NOT NULL, wrapped_key TEXT NOT NULL, wrapped_key_meta TEXT, created_at DATETIME NOT NULL,
    PRIMARY KEY (volume_uuid, version),
    UNIQUE (id)
);

CREATE TABLE IF NOT EXISTS sp_volume_header_pieces (
    header_id VARCHAR(36) NOT NULL, piece INTEGER NOT NULL, cypher_text TEXT NOT NULL,
    PRIMARY KEY (header_id, piece)
);
)sql";

/// Images whose keys go with them, and which are due. Revision 4.
constexpr std::string_view ImageTables = R"sql(
CREATE TABLE IF NOT EXISTS sp_image_keys (
    image_id VARCHAR(36) NOT NULL, project_id VARCHAR(255) NOT NULL, secret_id VARCHAR(36) NOT NULL,
    policy VARCHAR(255) NOT NULL, next_try_at DATETIME, attempts INTEGER NOT NULL, note TEXT,
    created_at DATETIME NOT NULL, updated_at DATETIME NOT NULL,
    PRIMARY KEY (image_id)
);
CREATE INDEX IF NOT EXISTS sp_ix_image_keys_due ON sp_image_keys (next_try_at);
CREATE INDEX IF NOT EXISTS sp_ix_image_keys_secret ON sp_image_keys (secret_id);
)sql";

/// Found by the look-ups that Barbican's own indexes do not serve: a project's list in its order, a secret by its name,
/// what has expired, what a user may see by an access list. Revision 2.
constexpr std::string_view OwnIndexes = R"sql(
CREATE INDEX IF NOT EXISTS sp_ix_secrets_listed ON secrets (project_id, created_at, id, deleted, expiration);
CREATE INDEX IF NOT EXISTS sp_ix_secrets_named ON secrets (project_id, name, created_at, id, deleted, expiration);
CREATE INDEX IF NOT EXISTS sp_ix_secrets_expiration ON secrets (expiration);
CREATE INDEX IF NOT EXISTS sp_ix_secret_acl_users_user ON secret_acl_users (user_id);
CREATE INDEX IF NOT EXISTS sp_ix_orders_listed ON orders (project_id, created_at, id);
)sql";

/// While it stands, the tables are being made: only where DDL knows no transactions.
constexpr std::string_view Scaffold = "sp_being_made";

constexpr Query FindAlembicRevision{"SELECT version_num FROM alembic_version", 1};
constexpr Query RecordAlembicRevision{"INSERT INTO alembic_version (version_num) VALUES (:revision)"};
constexpr Query FindOwnRevision{"SELECT revision FROM sp_schema", 1};
constexpr Query RecordOwnRevision{"INSERT INTO sp_schema (revision) VALUES (:revision)"};
constexpr Query RaiseOwnRevision{"UPDATE sp_schema SET revision = :revision"};
// Held until the end of the transaction: two agents that start on an empty database make its tables one after the
// other.
constexpr Query LockSchema{"SELECT CAST(pg_advisory_xact_lock(7311420190513) AS TEXT)", 1};

void replace_all(std::string& text, std::string_view what, std::string_view with) {
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) {
        text.replace(at, what.size(), with);
    }
}

/// A statement of the tables above in a vendor's own types, those that SQLAlchemy chooses for Barbican there.
std::string translated(std::string_view statement, SchemaDialect dialect) {
    std::string text(statement);
    replace_all(text, "$ROW", RowColumns);
    switch (dialect) {
        case SchemaDialect::Sqlite: replace_all(text, "$CONTAINER_TYPE", "VARCHAR(11)"); break;
        case SchemaDialect::MariaDb:
            replace_all(text, "$CONTAINER_TYPE", "ENUM('generic','rsa','dsa','certificate')");
            // Gone on with after a crash, and made by several agents at a time.
            if (text.find(" IF NOT EXISTS ") == std::string::npos) {
                replace_all(text, "CREATE TABLE ", "CREATE TABLE IF NOT EXISTS ");
                replace_all(text, " INDEX ", " INDEX IF NOT EXISTS ");
            }
            break;
        case SchemaDialect::PostgreSql:
            replace_all(text, "$CONTAINER_TYPE", "container_types");
            replace_all(text, " DATETIME", " TIMESTAMP WITHOUT TIME ZONE");
            break;
    }
    return text;
}

Result<void> run_each(Session& session, std::string_view script, SchemaDialect dialect) {
    while (true) {
        const auto end = script.find(';');
        if (end == std::string_view::npos) return {};
        TRY(session.run_script(translated(script.substr(0, end), dialect)));
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

/// Several agents may come to the same point; the first has recorded it for all.
Result<void> record_alembic_revision(Session& session) {
    if (!TRY(revision_of(session, FindAlembicRevision)).empty()) return {};
    const auto recorded = session.execute(RecordAlembicRevision, {AlembicRevision});
    if (!recorded && recorded.error().code != Code::Conflict) return recorded.error();
    return {};
}

Result<void> record_own_revision(Session& session) {
    const bool first = TRY(revision_of(session, FindOwnRevision))
    .empty();
    TRY(session.execute(first ? RecordOwnRevision : RaiseOwnRevision, {OwnRevision}));
    return {};
}

Result<void> make_barbican_tables(Session& session, SchemaDialect dialect) {
    if (dialect == SchemaDialect::PostgreSql) {
        TRY(session.run_script("CREATE TYPE container_types AS ENUM ('generic', 'rsa', 'dsa', 'certificate')"));
    }
    TRY(run_each(session, BarbicanTables, dialect));
    return record_alembic_revision(session);
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

/// True if ours are there as this program wants them; false if they are older, or not there.
Result<bool> are_own_tables_made(Session& session) {
    if (!TRY(session.has_table("sp_schema"))) return false;
    const std::string revision = TRY(revision_of(session, FindOwnRevision));
    if (revision == std::to_string(OwnRevision)) return true;
    // Recorded last: none yet, or that of an older program.
    if (revision.empty() || revision == "1" || revision == "2" || revision == "3") return false;
    return Error{Code::Conflict,
                 fmt::format("the sp_ tables of the database are at revision '{}', this program needs '{}'", revision,
                             OwnRevision),
                 {}};
}

Result<void> make_own_tables(Session& session, SchemaDialect dialect) {
    if (TRY(are_own_tables_made(session))) return {};
    if (dialect == SchemaDialect::MariaDb || !TRY(session.has_table("sp_schema"))) {
        TRY(run_each(session, OwnTables, dialect));
    }
    TRY(run_each(session, VolumeTables, dialect));
    TRY(run_each(session, ImageTables, dialect));
    TRY(run_each(session, OwnIndexes, dialect));
    return record_own_revision(session);
}

/// What is there already is of a known revision, or nothing at all. True if Barbican's tables are still to be made.
Result<bool> wants_barbican_tables(Session& session) {
    if (TRY(session.has_table(Scaffold))) return true;
    if (TRY(session.has_table("alembic_version"))) {
        TRY(check_barbican_tables(session));
        return false;
    }
    // Of a database with tables but no revision nobody knows what they are.
    if (TRY(session.has_table("secrets"))) {
        return Error{Code::Conflict, "the database has Barbican's tables but no Alembic revision", {}};
    }
    return true;
}

Result<void> create_in_steps(Session& session, SchemaDialect dialect) {
    if (TRY(wants_barbican_tables(session))) {
        TRY(session.run_script(fmt::format("CREATE TABLE IF NOT EXISTS {} (at_work INTEGER)", Scaffold)));
        TRY(make_barbican_tables(session, dialect));
        TRY(session.run_script(fmt::format("DROP TABLE IF EXISTS {}", Scaffold)));
    }
    return make_own_tables(session, dialect);
}

Result<void> create_at_once(Session& session, SchemaDialect dialect) {
    if (dialect == SchemaDialect::PostgreSql) {
        TRY(session.select(LockSchema, {}, [](Columns&) -> Result<void> { return {}; }));
    }
    if (TRY(wants_barbican_tables(session))) TRY(make_barbican_tables(session, dialect));
    return make_own_tables(session, dialect);
}

}  // namespace

std::vector<std::string> barbican_table_names() {
    constexpr std::string_view create = "CREATE TABLE ";
    std::vector<std::string> names;
    std::string_view script = BarbicanTables;
    for (auto at = script.find(create); at != std::string_view::npos; at = script.find(create)) {
        script.remove_prefix(at + create.size());
        names.emplace_back(script.substr(0, script.find(' ')));
    }
    return names;
}

bool ddl_is_transactional(SchemaDialect dialect) {
    switch (dialect) {
        case SchemaDialect::Sqlite:
        case SchemaDialect::PostgreSql: return true;
        case SchemaDialect::MariaDb: return false;
    }
    return false;
}

Result<bool> is_schema_made(Session& session) {
    if (TRY(wants_barbican_tables(session))) return false;
    return are_own_tables_made(session);
}

Result<void> create_or_check_schema(Session& session, SchemaDialect dialect) {
    return ddl_is_transactional(dialect) ? create_at_once(session, dialect) : create_in_steps(session, dialect);
}

}  // namespace sallyport::db
