#pragma once

#include <memory>
#include <string>

#include "keymanager/base/result.h"
#include "keymanager/db/database.h"
#include "keymanager/db/server_url.h"

namespace sallyport::db {

/// PostgreSQL through libpq, which is loaded here. Of several hosts the one that takes writes is used. The password
/// is asked for at every connect, so a new password needs no restart. Error: `Unavailable` if the library is missing;
/// the server itself is asked at the first use.
Result<std::unique_ptr<Database>> make_postgresql(const ServerUrl& url, PasswordSource password, int sessions);

}  // namespace sallyport::db
