#pragma once

#include <optional>
#include <string>
#include <vector>

#include "keymanager/base/ids.h"
#include "keymanager/base/result.h"
#include "keymanager/db/session.h"
#include "keymanager/model/kek.h"
#include "keymanager/model/volume.h"

namespace sallyport::db {

using HeaderCopyId = Id<struct HeaderCopyIdTag>;  ///< UUID of a row of sp_volume_headers

/// A copy of a header as the tables hold it: pieces of ciphertext, short enough for any vendor's TEXT, and the key that
/// they are under, itself wrapped.
struct StoredHeader {
    HeaderCopyId id;
    model::HeaderVersion version;
    ProjectId project;
    model::WrappedSecret key;
    model::KekMeta kek;  ///< wraps `key`; only its id is looked at when the header is inserted
    std::vector<std::string> pieces;
};

Result<std::optional<model::VolumeRecord>> find_volume(Session& session, const model::VolumeUuid& uuid);
/// Where a device was seen last. At most one record of a host names a device: put_volume takes it from the others.
Result<std::optional<model::VolumeRecord>> find_volume_on(Session& session, const std::string& host,
                                                          const std::string& device);
/// Those of one host, or of all if it is empty; by uuid.
Result<std::vector<model::VolumeRecord>> list_volumes(Session& session, const std::string& host);
/// Volumes that this secret opens, or will when the rotation under way is over.
Result<std::vector<model::VolumeUuid>> volumes_of_secret(Session& session, const SecretId& secret);
/// Inserts it or replaces what is there.
Result<void> put_volume(Session& session, const model::VolumeRecord& record, Timestamp now);
Result<void> forget_volume(Session& session, const model::VolumeUuid& uuid);

/// Gives it the next version of its volume, which is the answer.
Result<int> insert_header(Session& session, const StoredHeader& header, Timestamp now);
/// Error: `NotFound`.
Result<StoredHeader> find_header(Session& session, const model::VolumeUuid& uuid, int version);
/// Newest first. Whose they are is that of the volume's record.
Result<std::vector<model::HeaderVersion>> list_headers(Session& session, const model::VolumeUuid& uuid);
/// Removes the rows of the versions before `version`, ciphertext and keys; answers how many.
Result<long> destroy_headers_before(Session& session, const model::VolumeUuid& uuid, int version);

/// Removes all ciphertext of a secret, deleted rows too, and marks the secret deleted if it is not yet: it cannot come
/// back. Answers how many rows of ciphertext there were. Nothing happens if there is no such secret (any more).
Result<long> destroy_secret(Session& session, const SecretId& id, Timestamp now);
/// How many rows of ciphertext a secret has.
Result<long> count_ciphertexts(Session& session, const SecretId& id);

}  // namespace sallyport::db
