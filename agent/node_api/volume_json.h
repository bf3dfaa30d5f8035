#pragma once

#include <boost/json/object.hpp>

#include <string>
#include <string_view>

#include "integrations/volume/volume_encryptor.h"
#include "keymanager/base/result.h"

/// Volumes as JSON: what the agent answers and what `sallyport volume` prints are one and the same.
namespace sallyport::node_api {

/// {"content": "luks", "what": "LUKS2", "size": …, "luks_version": 2, "cipher": …, "key_bits": …, "sector_size": …,
///  "data_offset": …, "uuid": …, "key_slots": […], …}; without a LUKS header only the first three.
boost::json::object to_json(const volume::VolumeFacts& facts);
/// {"name": …, "path": "/dev/mapper/…", "device": …, "type": "LUKS2", "size": …, "read_only": …, "used_by": […]}
boost::json::object to_json(const volume::Mapping& mapping);

/// "luks1", "luks2". Error: `InvalidInput`.
Result<volume::LuksVersion> luks_version_from(std::string_view text);
/// "random-key", "passphrase". Error: `InvalidInput`.
Result<volume::UnlockProfile> unlock_profile_from(std::string_view text);

/// The options of a format as a request carries them: luks, cipher, key_size, sector_size, unlock_profile, label,
/// force; all may be missing. Error: `InvalidInput` naming the member.
Result<volume::FormatOptions> format_options_from(const boost::json::object& body,
                                                  volume::UnlockProfile default_profile);
boost::json::object to_json(const volume::FormatOptions& options);

}  // namespace sallyport::node_api
