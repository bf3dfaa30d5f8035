#pragma once

#include <optional>
#include <string>
#include <vector>

#include "keymanager/base/clock.h"
#include "keymanager/base/ids.h"
#include "keymanager/base/result.h"
#include "keymanager/db/session.h"
#include "keymanager/model/image.h"

/// sp_image_keys: images whose keys go with them, and which of those are due. See repository.h for what holds for all
/// functions.
namespace sallyport::db {

Result<std::optional<model::ImageKeyRecord>> find_image_key(Session& session, const std::string& image);
/// Inserts it or replaces what is there.
Result<void> put_image_key(Session& session, const model::ImageKeyRecord& record, Timestamp now);
Result<void> forget_image_key(Session& session, const std::string& image);

/// Those whose time has come, the longest waiting first.
Result<std::vector<model::ImageKeyRecord>> due_image_keys(Session& session, Timestamp now, int most);
/// Behind the image `after`, by its id.
Result<std::vector<model::ImageKeyRecord>> list_image_keys(Session& session, const std::string& after, int most);
/// Images that name this secret.
Result<std::vector<std::string>> images_of_secret(Session& session, const SecretId& secret);

/// Images that are registered as consumers of live secrets, by their ids; `offset` of them are left out.
Result<std::vector<model::ImageConsumer>> list_image_consumers(Session& session, int offset, int most);

}  // namespace sallyport::db
