#include "keymanager/db/schema.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "keymanager/base/bytes.h"
#include "keymanager/db/acl_repository.h"
#include "keymanager/db/repository.h"
#include "keymanager/db/session.h"
#include "keymanager/store/simple_crypto.h"
#include "tests/unit/keymanager/db/sqlite_file.h"
#include "tests/unit/keymanager/store/kek_files.h"
#include "tests/vectors/vector_file.h"
#include "tests/vectors/vectors.h"

namespace sallyport::db {
namespace {

std::string barbican_dump() {
    std::ifstream file(vectors_path("simple_crypto/barbican.sql"));
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// Everything that SQLite knows of the tables: columns, defaults, keys, references, indexes.
std::vector<std::string> description(const SqliteFile& file) {
    std::vector<std::string> lines;
    for (const auto& table : file.run("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sp\\_%' "
                                      "ESCAPE '\\' ORDER BY name")) {
        const auto add = [&](const std::string& what, const std::string& query) {
            auto rows = file.run(query);
            std::ranges::sort(rows);
            for (const auto& row : rows) lines.push_back(table + " " + what + " " + row);
        };
        add("column", "SELECT * FROM pragma_table_info('" + table + "')");
        add("reference",
            "SELECT \"table\", \"from\", \"to\", on_update, on_delete FROM pragma_foreign_key_list('" + table + "')");
        add("index",
            "SELECT l.\"unique\", l.origin, i.seqno, i.name,"
            " CASE WHEN l.origin = 'c' THEN l.name ELSE '' END"
            " FROM pragma_index_list('" +
                table + "') l, pragma_index_info(l.name) i WHERE l.name NOT LIKE 'sp\\_%' ESCAPE '\\'");
    }
    return lines;
}

/// The names of constraints, which SQLite keeps in its text only.
std::vector<std::string> constraint_names(const SqliteFile& file) {
    std::vector<std::string> names;
    for (const std::string& row :
         file.run("SELECT replace(replace(sql, char(10), ' '), char(9), ' ') FROM sqlite_master "
                  "WHERE type = 'table' AND sql IS NOT NULL")) {
        for (std::size_t at = row.find("CONSTRAINT "); at != std::string::npos; at = row.find("CONSTRAINT ", at + 1)) {
            names.push_back(row.substr(at + 11, row.find(' ', at + 11) - at - 11));
        }
    }
    std::ranges::sort(names);
    return names;
}

TEST(Schema, IsTheOneThatBarbicansMigrationsMake) {
    const SqliteFile ours, theirs;
    ASSERT_TRUE(ours.open()->create_schema());
    theirs.run(barbican_dump());
    const auto made = description(ours), expected = description(theirs);
    ASSERT_GT(expected.size(), 300u);
    EXPECT_EQ(made, expected);
    EXPECT_EQ(constraint_names(ours), constraint_names(theirs));
    EXPECT_EQ(ours.run("SELECT version_num FROM alembic_version"),
              theirs.run("SELECT version_num FROM alembic_version"));
}

TEST(Schema, OpensADatabaseOfBarbicansInPlaceAndReadsEverySecret) {
    const SqliteFile file;
    file.run(barbican_dump());
    const auto database = file.open();
    const auto made = database->create_schema();
    ASSERT_TRUE(made) << made.error().message;

    const store::KekFiles keks;
    Vector master = read_vectors("simple_crypto/simple_crypto.vec").at(0);
    const auto store = *store::make_simple_crypto(
        {"Software", {keks.write("kek", master["Master"])}, store::Envelope::Bound}, system_clock());

    const ProjectId project("11112222333344445555666677778888");
    const Timestamp now = *parse_iso8601("2026-11-23");
    const auto page = database->read([&](Session& session) { return list_secrets(session, project, {}, {}, now); });
    ASSERT_TRUE(page) << page.error().detail;
    std::vector<std::string> found;
    for (const auto& listed : page->items) {
        const auto both =
            database->read([&](Session& session) { return find_secret_with_payload(session, listed.id, now); });
        ASSERT_TRUE(both) << both.error().detail;
        std::string line = both->secret.attributes.name.value_or("-") + ": ";
        if (both->payload) {
            const auto payload = store->unwrap(both->payload->kek, {listed.id, project}, both->payload->wrapped);
            ASSERT_TRUE(payload) << payload.error().detail;
            line += std::to_string(payload->size()) + " bytes of " + both->payload->content_type;
            if (line.starts_with("text")) {
                EXPECT_EQ(text_of(payload->reveal()), "p\u00e4ssw\u00f6rd");
            }
        }
        if (both->secret.acl) line += ", shared with " + std::to_string(both->secret.acl->users.size());
        found.push_back(line);
    }
    EXPECT_EQ(found,
              (std::vector<std::string>{"text: 10 bytes of text/plain", "binary: 256 bytes of application/octet-stream",
                                        "shared: 17 bytes of text/plain, shared with 2", "empty: "}));

    const auto orders = database->read([&](Session& session) { return list_orders(session, project, "ordered", {}); });
    ASSERT_TRUE(orders) << orders.error().detail;
    ASSERT_EQ(orders->total, 1);
    EXPECT_EQ(orders->items.at(0).type, model::OrderType::Key);
    // Its own key goes on being used.
    const auto kek =
        database->read([&](Session& session) { return find_kek(session, project, store->info().crypto_plugin); });
    EXPECT_TRUE(kek && *kek);
}

TEST(Schema, AtAnotherRevisionIsRefusedAndLeftAlone) {
    const SqliteFile file;
    file.run(barbican_dump());
    file.run("UPDATE alembic_version SET version_num = '39cf2e645cba'");
    const auto made = file.open()->create_schema();
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, Code::Conflict);
    EXPECT_NE(made.error().message.find("39cf2e645cba"), std::string::npos);
    EXPECT_TRUE(file.run("SELECT name FROM sqlite_master WHERE name LIKE 'sp%'").empty());
}

TEST(Schema, OfTablesWithoutARevisionIsRefused) {
    const SqliteFile file;
    file.run(barbican_dump());
    file.run("DROP TABLE alembic_version");
    const auto made = file.open()->create_schema();
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, Code::Conflict);
}

TEST(Schema, OfALaterProgramIsRefused) {
    const SqliteFile file;
    ASSERT_TRUE(file.open()->create_schema());
    file.run("UPDATE sp_schema SET revision = 99");
    const auto made = file.open()->create_schema();
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, Code::Conflict);
}

TEST(Schema, RowsLookAsBarbicanWritesThem) {
    const SqliteFile ours;
    const auto database = ours.open();
    ASSERT_TRUE(database->create_schema());
    const Timestamp now = *parse_iso8601("2026-11-22T06:05:42.000123");
    ASSERT_TRUE(database->write([&](Session& session) -> Result<void> {
        const ProjectId project("p");
        TRY(ensure_project(session, project, now));
        model::KekMeta kek;
        kek.id = KekId("k");
        kek.project = project;
        kek.plugin_name = "plugin";
        TRY(insert_kek(session, kek, now));
        model::Secret secret;
        secret.id = SecretId("s");
        secret.project = project;
        secret.attributes.bit_length = 256;
        secret.created = secret.updated = now;
        TRY(insert_secret(session, secret));
        TRY(insert_payload(session, secret.id, kek.id, {"c", {}}, "text/plain", "store", now));
        return put_acl(session, secret.id, {false, {UserId("u")}, {}, {}}, now);
    }));
    const std::string stamp = "2026-11-22 06:05:42.000123";
    const auto types_of = [&](const std::string& columns, const std::string& table) {
        return ours.run("SELECT " + columns + " FROM " + table);
    };
    EXPECT_EQ(types_of("created_at, updated_at, deleted_at, deleted, typeof(deleted), status, secret_type, bit_length, "
                       "typeof(bit_length)",
                       "secrets"),
              (std::vector<std::string>{stamp + "|" + stamp + "|NULL|0|integer|ACTIVE|opaque|256|integer"}));
    EXPECT_EQ(
        types_of("deleted, typeof(deleted), status, active, typeof(active), bind_completed, bit_length", "kek_data"),
        (std::vector<std::string>{"0|integer|ACTIVE|1|integer|1|128"}));
    EXPECT_EQ(types_of("typeof(cypher_text), typeof(kek_meta_extended), status", "encrypted_data"),
              (std::vector<std::string>{"text|null|ACTIVE"}));
    EXPECT_EQ(types_of("\"key\", value, status", "secret_store_metadata ORDER BY \"key\""),
              (std::vector<std::string>{"content_type|text/plain|PENDING", "plugin_name|store|PENDING"}));
    EXPECT_EQ(types_of("operation, project_access, typeof(project_access)", "secret_acls"),
              (std::vector<std::string>{"read|0|integer"}));
}

}  // namespace
}  // namespace sallyport::db
