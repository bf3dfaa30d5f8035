#pragma once

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "keymanager/db/database.h"

namespace sallyport::db {

/// A database file in a folder of its own, and SQLite's own library to look at it and to damage it.
class SqliteFile {
public:
    SqliteFile() {
        std::string name = (std::filesystem::temp_directory_path() / "sallyport-db-XXXXXX").string();
        folder_ = mkdtemp(name.data());
    }
    ~SqliteFile() { std::filesystem::remove_all(folder_); }
    SqliteFile(const SqliteFile&) = delete;
    SqliteFile& operator=(const SqliteFile&) = delete;

    std::filesystem::path path() const { return folder_ / "test.sqlite"; }
    std::unique_ptr<Database> open(int sessions = 2) const {
        auto opened = make_database({.url = "sqlite:///" + path().string(), .password_file = {}, .sessions = sessions});
        EXPECT_TRUE(opened) << (opened ? "" : opened.error().message + " " + opened.error().detail);
        return opened ? *std::move(opened) : nullptr;
    }

    /// Runs SQL; the rows of the last statement, columns joined by '|'.
    std::vector<std::string> run(const std::string& sql) const {
        sqlite3* connection = nullptr;
        EXPECT_EQ(sqlite3_open(path().c_str(), &connection), SQLITE_OK);
        std::vector<std::string> rows;
        const auto on_row = [](void* out, int columns, char** values, char**) {
            std::string row;
            for (int i = 0; i < columns; ++i) row += (i > 0 ? "|" : "") + std::string(values[i] ? values[i] : "NULL");
            static_cast<std::vector<std::string>*>(out)->push_back(row);
            return 0;
        };
        char* message = nullptr;
        EXPECT_EQ(sqlite3_exec(connection, sql.c_str(), on_row, &rows, &message), SQLITE_OK)
            << (message ? message : "");
        sqlite3_free(message);
        sqlite3_close(connection);
        return rows;
    }

private:
    std::filesystem::path folder_;
};

}  // namespace sallyport::db
