#pragma once

#include <memory>
#include <string>

#include "keymanager/base/result.h"
#include "keymanager/db/database.h"
#include "keymanager/db/server_url.h"

namespace sallyport::db {

/// MariaDB (alone or as a Galera cluster) and MySQL, through libmariadb, which is loaded here. The password is
/// asked for at every connect, so a new password needs no restart. Error: `Unavailable` if the library is missing; the
/// server itself is asked at the first use.
Result<std::unique_ptr<Database>> make_mariadb(const ServerUrl& url, PasswordSource password, int sessions);

}  // namespace sallyport::db
