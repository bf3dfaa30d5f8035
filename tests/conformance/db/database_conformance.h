#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <ostream>
#include <string>

#include "keymanager/db/database.h"

namespace sallyport::db {

/// One implementation under test: makes a database without tables, and cleans up what it made.
struct DatabaseUnderTest {
    std::string name;
    std::function<std::unique_ptr<Database>()> open;
    bool keeps_microseconds = true;  ///< Barbican's columns in MariaDB keep whole seconds
};
inline void PrintTo(const DatabaseUnderTest& under_test, std::ostream* out) { *out << under_test.name; }

/// The database with its tables made.
class DatabaseConformance : public testing::TestWithParam<DatabaseUnderTest> {
protected:
    void SetUp() override {
        database_ = GetParam().open();
        ASSERT_NE(database_, nullptr);
        const auto made = database_->create_schema();
        ASSERT_TRUE(made) << made.error().message << ' ' << made.error().detail;
    }
    Database& db() { return *database_; }

private:
    std::unique_ptr<Database> database_;
};

class RepositoryConformance : public DatabaseConformance {
protected:
    void SetUp() override;
};

}  // namespace sallyport::db
