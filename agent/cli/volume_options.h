#pragma once

#include <boost/json/object.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "agent/cli/command.h"
#include "agent/cli/key_input.h"
#include "integrations/volume/passphrase.h"
#include "integrations/volume/volume_encryptor.h"
#include "keymanager/base/result.h"

/// What the files of the noun `volume` share: volume.cc, volume_image.cc, volume_attach.cc.
namespace sallyport::cli {

/// What the verbs are told; each uses some of it.
struct VolumeOptions {
    KeySource key;
    std::string device;
    std::string header;  ///< a header apart from its volume; empty: none
    std::string destination;
    std::string name;
    std::string luks = "luks2";
    std::string unlock_profile;  ///< empty: what suits the key
    volume::FormatOptions format;
    volume::OpenOptions open;
    bool replace = false;
    bool sparse = false;
    std::string type = "luks";  ///< or "plain"
    volume::PlainOptions plain;
};
using SharedVolumeOptions = std::shared_ptr<VolumeOptions>;

void add_device(CLI::App& verb, const SharedVolumeOptions& options);
void add_header(CLI::App& verb, const SharedVolumeOptions& options, const char* what);
/// --type, --hash, --offset; --cipher and --key-size are the verb's own business.
void add_plain_options(CLI::App& verb, const SharedVolumeOptions& options);
void add_format_options(CLI::App& verb, const SharedVolumeOptions& options);

/// The passphrase of a key that needs no agent.
Result<volume::Passphrase> passphrase_of(const VolumeOptions& options);
Result<volume::FormatOptions> format_options(const VolumeOptions& options);
/// Says it when a key size gives less than it seems to: 256 bits with XTS are AES-128 (here, in cryptsetup and in
/// os-brick), but AES-256 where Cinder has QEMU make the volume.
void remark_on_key_size(const CliContext& context, const volume::FormatOptions& format);
/// How a volume of --type plain is read; nullopt for LUKS. Error: wrong usage if anything would have to be guessed.
Result<std::optional<volume::PlainOptions>> plain_of(const VolumeOptions& options, CliContext& context);
std::optional<volume::DevicePath> header_of(const VolumeOptions& options);

/// A path as the agent, which has another working directory, understands it; links are followed here, with the user's
/// eyes.
std::string path_for_agent(const std::string& path);

/// {"device", "secret"} and, where there is one, "header".
Result<boost::json::object> request_for(const VolumeOptions& options);
/// The members of FormatOptions; the agent picks the profile itself if none was asked for.
Result<void> add_format(boost::json::object& body, const VolumeOptions& options);
/// POST to the agent's volumes; `verb` is "/format".
Result<boost::json::object> ask_agent(CliContext& context, std::string_view verb, const boost::json::object& body);

void add_volume_open(CLI::App& noun, CliContext& context);
void add_volume_close(CLI::App& noun, CliContext& context);
void add_volume_resize(CLI::App& noun, CliContext& context);
void add_volume_status(CLI::App& noun, CliContext& context);
void add_volume_encrypt(CLI::App& noun, CliContext& context);
void add_volume_decrypt(CLI::App& noun, CliContext& context);

}  // namespace sallyport::cli
