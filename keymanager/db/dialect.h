#pragma once

namespace sallyport::db {

/// Where vendors differ in the words of SQL itself.
enum class SchemaDialect { Sqlite, MariaDb, PostgreSql };

}  // namespace sallyport::db
